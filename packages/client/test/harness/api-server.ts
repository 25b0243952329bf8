/** A kubets API server of its own, with certificates that last for a test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import type { HttpTransportOptions } from '@kubets/client';
import { openEmbeddedStore } from '@kubets/etcd';
import { createApiServer, type ApiServer, type ApiServerParts } from '@kubets/kube-apiserver/api-server';
import { discoveryHandler } from '@kubets/kube-apiserver/discovery/discovery-handler';
import { DiscoveryRegistry } from '@kubets/kube-apiserver/discovery/discovery-registry';
import { silentLog } from '@kubets/apimachinery/log';
import { testPki } from '@kubets/kube-apiserver/server/testing/certificates';

export interface TestApiServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly port: number;
  /** How an administrator trusts and is trusted. */
  readonly credentials: Pick<HttpTransportOptions, 'ca' | 'cert' | 'key'>;
}

function installDiscovery({ server }: ApiServerParts): void {
  const handler = discoveryHandler({ registry: new DiscoveryRegistry(), serverAddress: () => '127.0.0.1' });
  const orThrow = (request: Parameters<typeof handler>[0]) => {
    const result = handler(request);
    if (result === undefined) throw new Error(`discovery knows no ${request.path}`);
    return result;
  };
  for (const path of ['/api', '/api/', '/apis', '/apis/']) server.mux.handle(path, orThrow);
}

export async function startApiServer(): Promise<TestApiServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-client-'));
  const storage = await openEmbeddedStore({ dataDir, clock: systemClock });
  const pki = await testPki();
  const server = await createApiServer({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    storage,
    install: installDiscovery,
    listen: { host: '127.0.0.1', port: 0, tls: pki.material },
  });
  const address = await server.start();
  return {
    server,
    port: address?.port ?? 0,
    credentials: { ca: pki.ca.pem, cert: pki.admin.certificate, key: pki.admin.key },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await storage[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
