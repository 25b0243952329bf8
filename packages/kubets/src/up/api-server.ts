/** The API server of `kubets up`. */
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { openEmbeddedStore, type EmbeddedStore } from '@kubets/etcd';
import {
  createKubeApiServer,
  defaultRequestHeaders,
  type ApiServer,
  type KubeApiServerOptions,
  type Log,
  type TlsMaterial,
} from '@kubets/kube-apiserver';
import { ensureClusterPki, type ClusterPki } from '@kubets/kubeadm';
import { UserError } from '../user-error.ts';
import { advertiseAddress, localAddress, nthAddress, serverUrl, servingNames } from './addresses.ts';
import type { UpOptions } from './options.ts';

/** As kubeadm names it (`--service-account-issuer`). */
const issuer = 'https://kubernetes.default.svc.cluster.local';

/** What the listener needs of the keys and certificates. */
export function tlsMaterial(pki: ClusterPki): TlsMaterial {
  return {
    certificate: pki.serving.certificate,
    key: pki.serving.key,
    clientCas: [pki.authority],
    frontProxyCas: [pki.frontProxyAuthority],
  };
}

/** Fails early, before anything is written, when the port cannot be had. Throws a {@link UserError}. */
export async function checkPort(host: string, port: number): Promise<void> {
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

/** Throws a {@link UserError} when the directory cannot be used. */
export async function openStore(directory: string, log: Log): Promise<EmbeddedStore> {
  const onSinkError = (error: unknown): void => log.error({ error: String(error) }, 'a watch of the store failed');
  try {
    return await openEmbeddedStore({ dataDir: join(directory, 'etcd'), clock: systemClock, onSinkError });
  } catch (error) {
    if (error instanceof Error && error.name === 'DataDirectoryError')
      throw new UserError(error.message, { cause: error });
    throw error;
  }
}

/** Throws a {@link UserError} when they cannot be read or made. */
export async function pkiOf(options: UpOptions, directory: string): Promise<ClusterPki> {
  const address = localAddress(options.bindAddress);
  try {
    return await ensureClusterPki({
      directory,
      clock: systemClock,
      server: serverUrl(address, options.securePort),
      ...servingNames(options.bindAddress, options.serviceClusterIpRanges),
    });
  } catch (error) {
    throw new UserError(`keys and certificates: ${(error as Error).message}`, { cause: error });
  }
}

interface Parts {
  readonly pki: ClusterPki;
  readonly log: Log;
}

function serverOptions(options: UpOptions, storage: EmbeddedStore, { pki, log }: Parts): KubeApiServerOptions {
  return {
    clock: systemClock,
    random: systemRandom,
    log,
    storage,
    storageSize: { clusterId: storage.clusterId, bytes: () => storage.fileBytes },
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
    serviceNodePortRange: { first: 30_000, last: 32_767 },
    serviceAddress: nthAddress(options.serviceClusterIpRanges[0] ?? '', 1),
    trust: { clientCa: pki.authority, frontProxyCa: pki.frontProxyAuthority },
    // Where no controllers run, somebody has to make service accounts and aggregate roles.
    standIns: options.controllers === undefined ? { rootCA: pki.authority } : undefined,
    featureGates: {},
    eventTtlSeconds: 3600,
  };
}

/** Not started. */
export async function createUpServer(options: UpOptions, storage: EmbeddedStore, parts: Parts): Promise<ApiServer> {
  return await createKubeApiServer(serverOptions(options, storage, parts));
}

/** Resolves when the server is ready, or the user has stopped it before that. */
export async function startServer(server: ApiServer, options: UpOptions, stopped: Promise<unknown>): Promise<void> {
  try {
    await Promise.race([server.start(), stopped]);
  } catch (error) {
    throw portError(error as NodeJS.ErrnoException, options.bindAddress, options.securePort);
  }
}
