/** The HTTPS port of a component: health and metrics (`cmd/kube-controller-manager/app/serve.go`, `cmd/kube-scheduler/app/server.go`). */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { metricsContentType } from '@kubets/apimachinery/metrics';
import { HealthChecks, pingCheck, type HealthCheck, type HealthGroup } from '@kubets/kube-apiserver/health/checks';
import type { ApiRequest, ApiResult, Log } from '@kubets/kube-apiserver';
import { StatusError } from '@kubets/apimachinery/status';
import type { Caller, Credentials, DelegatedAccess } from './delegated-access.ts';

export interface ComponentServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM; certificates signed by it say who a client is. */
  readonly clientCa: string;
  readonly access: DelegatedAccess;
  readonly log: Log;
  /** The checks at this moment, besides `ping`. */
  readonly healthChecks: () => readonly HealthCheck[];
  /** The page of metrics. */
  readonly metrics: () => string;
}

type Text = Extract<ApiResult, { type: 'bytes' }>;
const plain = 'text/plain; charset=utf-8';
const say = (status: number, bytes: string): Text => ({ type: 'bytes', status, contentType: plain, bytes });

const groups: readonly HealthGroup[] = ['healthz', 'readyz', 'livez'];

/** The user that a verified client certificate names. */
function certificateUser(socket: TLSSocket): Caller | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as { CN?: string; O?: string | string[] } | undefined;
  if (subject?.CN === undefined) return undefined;
  const organizations = subject.O === undefined ? [] : [subject.O].flat();
  return { username: subject.CN, groups: [...organizations, 'system:authenticated'] };
}

function credentialsOf(request: IncomingMessage): Credentials {
  const [, bearerToken] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return { bearerToken, certificate: certificateUser(request.socket as TLSSocket) };
}

export class ComponentServer implements AsyncDisposable {
  readonly #options: ComponentServerOptions;
  readonly #server: Server;

  constructor(options: ComponentServerOptions) {
    const { certificate: cert, key, clientCa } = options;
    this.#options = options;
    const ca = clientCa === '' ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
    this.#server = createServer({ cert, key, ...ca }, (request, response) => void this.#serve(request, response));
  }

  /** Resolves to the port. Rejects when it cannot be had. */
  async start(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, resolve);
    await promise;
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://component');
    const result = await this.#answer(request, pathname, searchParams).catch((error: unknown) => {
      if (error instanceof StatusError) return say(error.status.code ?? 500, `${error.message}\n`);
      this.#options.log.error({ path: pathname, error: String(error) }, 'a request failed');
      return say(500, 'Internal Server Error\n');
    });
    response.writeHead(result.status, { 'content-type': result.contentType, ...result.headers });
    response.end(request.method === 'HEAD' ? undefined : result.bytes);
  }

  async #answer(request: IncomingMessage, path: string, query: URLSearchParams): Promise<Text> {
    const verdict = await this.#options.access.decide(path, credentialsOf(request));
    if (!verdict.allowed) return say(verdict.code, `${verdict.message}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'Method Not Allowed\n');
    if (path === '/metrics') return { ...say(200, this.#options.metrics()), contentType: metricsContentType };
    const group = groups.find((name) => path === `/${name}` || path.startsWith(`/${name}/`));
    if (group === undefined) return say(404, '404 page not found\n');
    return await this.#health(group, path, query);
  }

  async #health(group: HealthGroup, path: string, query: URLSearchParams): Promise<Text> {
    const checks = new HealthChecks(group, this.#options.log);
    checks.add(pingCheck, ...this.#options.healthChecks());
    return (await checks.serve({ path, query } as ApiRequest)) as Text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}
