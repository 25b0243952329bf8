/** Requests for tests of authenticators and handlers. */
import type { ApiRequest, PeerCertificate, RequestBody } from '../../server/types.ts';

export interface TestRequestOptions {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  certificate?: PeerCertificate;
  body?: object;
  user?: ApiRequest['user'];
  info?: Partial<ApiRequest['info']>;
}

/** A request over TLS, as the listener makes it. */
export function testRequest(options: TestRequestOptions = {}): ApiRequest {
  const body: RequestBody =
    options.body === undefined
      ? { type: 'none' }
      : { type: 'bytes', bytes: Buffer.from(JSON.stringify(options.body)), contentType: 'application/json' };
  return {
    method: options.method ?? 'GET',
    path: options.path ?? '/api',
    query: new URLSearchParams(),
    headers: options.headers ?? {},
    peer: { transport: 'tls', remoteAddress: '127.0.0.1', certificate: options.certificate, socket: {} },
    body: () => body,
    signal: new AbortController().signal,
    receivedAt: 0,
    id: 'test',
    info: {
      isResourceRequest: true,
      path: options.path ?? '/api',
      verb: 'create',
      apiPrefix: 'apis',
      group: '',
      version: 'v1',
      namespace: '',
      resource: '',
      subresource: '',
      name: '',
      parts: [],
      ...options.info,
    },
    user: options.user ?? { name: 'jane', groups: ['system:authenticated'] },
    warnings: [],
    responseHeaders: {},
  };
}

export function testCertificate(over: Partial<PeerCertificate> = {}): PeerCertificate {
  return {
    commonName: 'jane',
    organizations: ['devs'],
    issuer: 'client-ca',
    notAfter: Number.MAX_SAFE_INTEGER,
    ...over,
  };
}
