/** A lean HTTP/2 client: one session, client certificate or token, nothing decoded that is not asked for. */
import { readFileSync } from 'node:fs';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { parse } from 'yaml';

export interface Credentials {
  readonly server: string;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

interface Named {
  name: string;
  cluster?: Record<string, string>;
  user?: Record<string, string>;
  context?: Record<string, string>;
}

/** Data given inline (base64) or as a file's path. */
function pem(entry: Record<string, string> | undefined, name: string): string | undefined {
  const data = entry?.[`${name}-data`];
  if (data !== undefined) return Buffer.from(data, 'base64').toString();
  const file = entry?.[name];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** What the current context of a kubeconfig file says. */
export function readKubeconfig(path: string): Credentials {
  const config = parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const find = (list: string, name: string | undefined): Named | undefined =>
    (config[list] as Named[] | undefined)?.find((entry) => entry.name === name);
  const context = find('contexts', config['current-context'] as string)?.context;
  const cluster = find('clusters', context?.['cluster'])?.cluster;
  const user = find('users', context?.['user'])?.user;
  const server = cluster?.['server'];
  if (server === undefined) throw new Error(`${path}: the current context names no server`);
  return {
    server,
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    token: user?.['token'],
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const window = 64 * 1024 * 1024;

export class ApiClient implements AsyncDisposable {
  readonly #session: ClientHttp2Session;
  readonly #token: string | undefined;

  private constructor(session: ClientHttp2Session, token: string | undefined) {
    this.#session = session;
    this.#token = token;
  }

  static async connect(credentials: Credentials): Promise<ApiClient> {
    const { ca, cert, key } = credentials;
    const session = connect(credentials.server, {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ALPNProtocols: ['h2'],
      settings: { initialWindowSize: window, enablePush: false },
      maxSessionMemory: 1024,
    });
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
    });
    session.setLocalWindowSize(window);
    return new ApiClient(session, credentials.token);
  }

  #headers(call: Call): Record<string, string> {
    const headers: Record<string, string> = {
      ':method': call.method,
      ':path': call.path,
      accept: 'application/json',
      'user-agent': 'kubets-test/0.1',
    };
    if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json';
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`;
    return call.headers === undefined ? headers : { ...headers, ...call.headers };
  }

  /** Resolves when the whole answer is there, whatever its status. */
  send(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(this.#headers(call), { endStream: call.body === undefined });
      const chunks: Buffer[] = [];
      let headers: IncomingHttpHeaders = {};
      stream.on('response', (received: IncomingHttpHeaders) => {
        headers = received;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        // A broken connection ends streams too.
        if (headers[':status'] === undefined) return;
        const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        resolve({ status: Number(headers[':status']), headers, body });
      });
      stream.on('error', reject);
      stream.on('close', () => reject(new Error(`${call.method} ${call.path}: the stream ended without an answer`)));
      if (call.body !== undefined) stream.end(call.body);
    });
  }

  /** As {@link send}; throws on any status outside 2xx. */
  async must(call: Call): Promise<Answer> {
    const answer = await this.send(call);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${call.method} ${call.path}: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
    }
    return answer;
  }

  /** A GET whose answer is read and thrown away, for load generators. Resolves to its length; rejects on any status but 200. */
  discard(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(this.#headers({ method: 'GET', path }), { endStream: true });
      let length = 0;
      stream.once('response', (headers: IncomingHttpHeaders) => {
        if (Number(headers[':status']) !== 200) reject(new Error(`GET ${path}: ${String(headers[':status'])}`));
      });
      stream.on('data', (chunk: Buffer) => (length += chunk.length));
      stream.on('end', () => resolve(length));
      stream.on('error', reject);
    });
  }

  /** Opens a stream that stays open; `onData` sees each chunk. Resolves with the way to close it once headers are in. */
  stream(path: string, onData: (chunk: Buffer) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(this.#headers({ method: 'GET', path }), { endStream: true });
      stream.once('response', (headers: IncomingHttpHeaders) => {
        if (Number(headers[':status']) === 200) resolve(() => stream.close());
        else reject(new Error(`GET ${path}: ${String(headers[':status'])}`));
      });
      stream.on('data', onData);
      stream.on('error', reject);
    });
  }

  /** A stream read to its end; `end` tells how it ended: in order (`end`), or with which error. */
  watchToEnd(path: string): { readonly open: Promise<void>; readonly end: Promise<string> } {
    const stream = this.#session.request(this.#headers({ method: 'GET', path }), { endStream: true });
    const open = new Promise<void>((resolve) => stream.once('response', () => resolve()));
    const end = new Promise<string>((resolve) => {
      stream.once('end', () => resolve('end'));
      stream.once('error', (error) => resolve(error.message));
      stream.once('close', () => resolve('closed'));
    });
    stream.resume();
    return { open, end };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A session that the server has ended calls nobody back.
    if (this.#session.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#session.once('close', () => resolve());
    this.#session.close();
    await promise;
  }
}
