/** Reaches extenders over HTTP and HTTPS (`pkg/scheduler/extender.go`, `makeTransport`). */
import { readFileSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ExtenderConfig, ExtenderTransport } from './http-extender.ts';

interface TlsConfig {
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  /** Base64. */
  readonly certData?: string;
  readonly keyData?: string;
  readonly caData?: string;
}

/** Data in the configuration goes before files. */
function pem(data: string | undefined, file: string | undefined): Buffer | undefined {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64');
  return file === undefined || file === '' ? undefined : readFileSync(file);
}

/** Undefined entries must not be there: they would mean "none" to node. */
function tlsOptions({ tlsConfig, enableHTTPS }: ExtenderConfig): object {
  const tls = (tlsConfig ?? {}) as TlsConfig;
  const ca = pem(tls.caData, tls.caFile);
  const cert = pem(tls.certData, tls.certFile);
  const key = pem(tls.keyData, tls.keyFile);
  // As upstream: HTTPS without an authority to check by does not check.
  const unchecked = tls.insecure === true || (enableHTTPS === true && ca === undefined);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(unchecked ? { rejectUnauthorized: false } : {}),
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Resolves with whatever status; rejects when no answer comes. */
function send(url: URL, options: RequestOptions, body: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = start(url, options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
    );
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

/** For one extender. Throws when files that the configuration names cannot be read. */
export function extenderTransport(config: ExtenderConfig, clock: Clock): ExtenderTransport {
  const tls = tlsOptions(config);
  return {
    async post(url, body, timeoutMs) {
      const late = new AbortController();
      const timer = clock.setTimer(timeoutMs, () =>
        late.abort(new Error(`${url} did not answer within ${timeoutMs / 1000} s`)),
      );
      try {
        const headers = { 'content-type': 'application/json' };
        const options = { method: 'POST', headers, signal: late.signal, ...tls };
        const { status, text } = await send(new URL(url), options, JSON.stringify(body));
        if (status !== 200) throw new Error(`failed ${url} with extender at URL ${config.urlPrefix}, code ${status}`);
        return JSON.parse(text) as unknown;
      } finally {
        timer.cancel();
      }
    },
  };
}
