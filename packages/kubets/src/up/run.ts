/** Starting and stopping a cluster in one process. */
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { openEmbeddedStore, type EmbeddedStore } from '@kubets/etcd';
import {
  createKubeApiServer,
  defaultRequestHeaders,
  type ApiServer,
  type Log,
  type TlsMaterial,
} from '@kubets/kube-apiserver';
import { ensureClusterPki, writePrivateFile, type ClusterPki } from '@kubets/kubeadm';
import { createLog } from '../log.ts';
import { UserError } from '../user-error.ts';
import { advertiseAddress, localAddress, nthAddress, serverUrl, servingNames } from './addresses.ts';
import { startRenewal } from './certificate-renewal.ts';
import { openDataDirectory } from './data-directory.ts';
import type { UpOptions } from './options.ts';
import { Progress } from './progress.ts';
import { stopSignal } from './signals.ts';

/** As kubeadm names it (`--service-account-issuer`). */
const issuer = 'https://kubernetes.default.svc.cluster.local';

function tlsMaterial(pki: ClusterPki): TlsMaterial {
  return {
    certificate: pki.serving.certificate,
    key: pki.serving.key,
    clientCas: [pki.authority],
    frontProxyCas: [pki.frontProxyAuthority],
  };
}

/** Fails early, before anything is written, when the port cannot be had. */
async function checkPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  probe.once('error', reject);
  probe.listen(port, host, () => probe.close(() => resolve()));
  await promise.catch((error: NodeJS.ErrnoException) => {
    throw portError(error, host, port);
  });
}

function portError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new UserError(`port ${port} of ${host} is in use: stop what listens there or choose another --secure-port`);
  }
  if (error.code === 'EACCES')
    return new UserError(`port ${port} of ${host} may not be used by this user: choose a --secure-port above 1023`);
  if (error.code === 'EADDRNOTAVAIL')
    return new UserError(`${host} is no address of this machine: choose another --bind-address`);
  return error;
}

async function openStore(directory: string, log: Log): Promise<EmbeddedStore> {
  const onSinkError = (error: unknown): void => log.error({ error: String(error) }, 'a watch of the store failed');
  try {
    return await openEmbeddedStore({ dataDir: join(directory, 'etcd'), clock: systemClock, onSinkError });
  } catch (error) {
    if (error instanceof Error && error.name === 'DataDirectoryError')
      throw new UserError(error.message, { cause: error });
    throw error;
  }
}

function pkiOf(options: UpOptions, directory: string): Promise<ClusterPki> {
  const address = localAddress(options.bindAddress);
  return ensureClusterPki({
    directory,
    clock: systemClock,
    server: serverUrl(address, options.securePort),
    ...servingNames(options.bindAddress, options.serviceClusterIpRanges[0] ?? ''),
  });
}

async function startServer(options: UpOptions, storage: EmbeddedStore, pki: ClusterPki, log: Log): Promise<ApiServer> {
  const server = await createKubeApiServer({
    clock: systemClock,
    random: systemRandom,
    log,
    storage,
    listen: { host: options.bindAddress, port: options.securePort, tls: tlsMaterial(pki) },
    serviceAccounts: {
      issuers: [issuer],
      signingKey: pki.serviceAccountKey.privateKey,
      verificationKeys: [pki.serviceAccountKey.publicKey],
      maxTokenExpirationSeconds: 0,
      extendTokenExpiration: true,
      jwksUri: '',
    },
    apiAudiences: [],
    authorizationModes: ['Node', 'RBAC'],
    bootstrapTokens: true,
    requestHeader: defaultRequestHeaders,
    admission: { enable: ['NodeRestriction'], disable: [] },
    advertise: { address: advertiseAddress(options.bindAddress), port: options.securePort },
    hostname: hostname(),
    serviceClusterIpRanges: options.serviceClusterIpRanges,
    serviceAddress: nthAddress(options.serviceClusterIpRanges[0] ?? '', 1),
    trust: { clientCa: pki.authority, frontProxyCa: pki.frontProxyAuthority },
    standIns: { rootCA: pki.authority },
    featureGates: {},
    eventTtlSeconds: 3600,
  });
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw portError(error as NodeJS.ErrnoException, options.bindAddress, options.securePort);
  }
}

async function writeKubeconfig(pki: ClusterPki, path: string | undefined): Promise<string> {
  if (path === undefined) return pki.kubeconfigs.admin;
  try {
    await writePrivateFile(path, await readFile(pki.kubeconfigs.admin, 'utf8'));
    return path;
  } catch (error) {
    throw new UserError(`--write-kubeconfig: cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function summary(pki: ClusterPki): string {
  return pki.changed.length === 0 ? 'present' : `made ${pki.changed.join(', ')}`;
}

/** Runs until a signal. Rejects with a {@link UserError} when the user can mend what is wrong. */
export async function runUp(options: UpOptions): Promise<void> {
  const stopped = stopSignal();
  const log = createLog(options.logFormat, options.verbosity);
  const progress = new Progress(process.stdout, systemClock);
  await using stack = new AsyncDisposableStack();
  if (!options.controlPlaneOnly)
    progress.line('  · this version has no node side yet: starting the control plane only');
  const directory = await progress.step(
    'data directory',
    () => openDataDirectory(options.dataDir),
    (path) => path,
  );
  await checkPort(options.bindAddress, options.securePort);
  const storage = stack.use(await progress.step('store', () => openStore(directory, log)));
  const pki = await progress.step('keys and certificates', () => pkiOf(options, directory), summary);
  const server = stack.use(await progress.step('API server', () => startServer(options, storage, pki, log)));
  stack.use(
    startRenewal({
      clock: systemClock,
      log,
      renew: async () => {
        const renewed = await pkiOf(options, directory);
        if (renewed.changed.includes('apiserver')) server.setTlsMaterial(tlsMaterial(renewed));
        if (options.writeKubeconfig !== undefined && renewed.changed.includes('admin.conf'))
          await writeKubeconfig(renewed, options.writeKubeconfig);
        return renewed.changed;
      },
    }),
  );
  const kubeconfig = await writeKubeconfig(pki, options.writeKubeconfig);
  progress.line(`kubets ready in ${(systemClock.monotonic() / 1000).toFixed(2)} s`);
  progress.line(`  export KUBECONFIG=${kubeconfig}`);
  progress.line('  kubectl get namespaces');
  const signal = await stopped;
  progress.line(`${signal}: stopping`);
}
