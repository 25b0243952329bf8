/** Asks a component's health endpoint (`pkg/probe/http/http.go`, `DoHTTPProbe`). */
import type { ComponentProbe, Health } from './component-statuses.ts';

// As in `server/http1-connection.ts`: an import would load Node's fetch as well.
const { request } = process.getBuiltinModule('node:https');

const timeoutMs = 20_000;
/** As much of an answer as is shown. */
const maxBody = 10 * 1024;

const dialErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
};

function failed(url: URL, error: NodeJS.ErrnoException): Health {
  const dial = dialErrors[error.code ?? ''];
  const why = dial === undefined ? error.message : `dial tcp ${url.host}: connect: ${dial}`;
  return { healthy: false, message: `Get "${url.href}": ${why}` };
}

/**
 * Whether `https://host:port/healthz` answers 2xx or 3xx; its body is the message. Nobody listening is an
 * unhealthy component, not an error. The certificate is not verified: the question is only whether it lives.
 */
export function httpsHealthProbe(host: string, port: number): ComponentProbe {
  const url = new URL(`https://${host}:${port}/healthz`);
  return () => {
    const { promise, resolve } = Promise.withResolvers<Health>();
    const fail = (error: Error): void => resolve(failed(url, error));
    const asked = request(url, { agent: false, rejectUnauthorized: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        if (body.length < maxBody) body += chunk;
      });
      response.on('error', fail).on('end', () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 400) resolve({ healthy: true, message: body });
        else resolve({ healthy: false, message: `HTTP probe failed with statuscode: ${statusCode}` });
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('context deadline exceeded'))).on('error', fail);
    asked.end();
    return promise;
  };
}
