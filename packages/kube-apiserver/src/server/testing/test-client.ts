/** Minimal HTTP/1.1 and HTTP/2 clients of both protocol versions, independent of the server's code. */
import { connect, type ClientHttp2Session } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { TestCertificate, TestPki } from './certificates.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

export interface Target {
  readonly port: number;
  readonly pki: TestPki;
  /** The admin's unless given; `null`: none. */
  readonly identity?: TestCertificate | null;
}

function credentials(target: Target) {
  const identity = target.identity === undefined ? target.pki.admin : target.identity;
  const own = identity === null ? {} : { cert: identity.certificate, key: identity.key };
  return { ca: target.pki.ca.pem, ...own };
}

export function http1(target: Target, ask: Ask): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpsRequest(
    {
      host: '127.0.0.1',
      port: target.port,
      method: ask.method ?? 'GET',
      path: ask.path,
      headers: ask.headers ?? {},
      agent: false,
      ...credentials(target),
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
      });
    },
  );
  request.on('error', reject);
  request.end(ask.body);
  return promise;
}

export class Http2Client implements AsyncDisposable {
  readonly session: ClientHttp2Session;

  constructor(target: Target) {
    this.session = connect(`https://localhost:${target.port}`, { ...credentials(target) });
    this.session.on('error', () => {});
  }

  ask(ask: Ask): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const stream = this.session.request({ ':method': ask.method ?? 'GET', ':path': ask.path, ...ask.headers });
    const chunks: Buffer[] = [];
    let headers: Record<string, string | string[] | undefined> = {};
    stream.on('response', (got) => (headers = got as typeof headers));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      resolve({ status: Number(headers[':status']), headers, body, text: body.toString() });
    });
    stream.end(ask.body);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
  }
}
