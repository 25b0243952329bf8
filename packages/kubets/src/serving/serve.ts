/** What the mains of the controller manager and the scheduler have in common. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import {
  inClusterConfig,
  loadKubeconfig,
  transportFor,
  type ClientConfig,
  type RequestPolicy,
  type Transport,
} from '@kubets/client';
import type { Log } from '@kubets/kube-apiserver';
import type { HealthCheck } from '@kubets/kube-apiserver/health/checks';
import { createAuthority, createLeaf, type KeyPair } from '@kubets/kubeadm';
import type { ValuesOf } from '../flags/flag-set.ts';
import { createLog } from '../log.ts';
import { UserError } from '../user-error.ts';
import { ComponentServer } from './component-server.ts';
import { DelegatedAccess } from './delegated-access.ts';
import type { clientFlags, leaderElectionFlags, servingFlags } from './flags.ts';

type ServingFlags = ValuesOf<typeof servingFlags> & { readonly 'secure-port': number };
type ClientFlags = ValuesOf<typeof clientFlags>;
type LeaderFlags = ValuesOf<ReturnType<typeof leaderElectionFlags>>;

/** Throws a {@link UserError} for an unknown format. */
export function logOf(flags: ClientFlags): Log {
  const format = flags['logging-format'];
  if (format !== 'text' && format !== 'json')
    throw new UserError(`--logging-format: ${JSON.stringify(format)} is neither text nor json`);
  return createLog(format, flags.v);
}

/** Of the file of a flag; '': that of a pod. Throws a {@link UserError}. */
export function clientConfig(flag: string, path: string): ClientConfig {
  try {
    return path === '' ? inClusterConfig() : loadKubeconfig(path);
  } catch (error) {
    throw new UserError(`--${flag}: ${(error as Error).message}`, { cause: error });
  }
}

/** `--kube-api-qps`, `--kube-api-burst`. */
export function requestPolicy(flags: ClientFlags): RequestPolicy {
  const qps = flags['kube-api-qps'];
  const burst = flags['kube-api-burst'];
  return { clock: systemClock, ...(qps > 0 && { qps }), ...(burst > 0 && { burst }) };
}

/** `--leader-elect-*`; undefined: without. The identity is this process's. */
export function leaderElectionOf(flags: LeaderFlags) {
  if (!flags['leader-elect']) return undefined;
  return {
    identity: `${hostname()}_${systemRandom.uuid()}`,
    resourceName: flags['leader-elect-resource-name'],
    resourceNamespace: flags['leader-elect-resource-namespace'],
    leaseDurationMs: flags['leader-elect-lease-duration'],
    renewDeadlineMs: flags['leader-elect-renew-deadline'],
    retryPeriodMs: flags['leader-elect-retry-period'],
  };
}

/** That of the flags, or one that lives as long as the process. Throws a {@link UserError}. */
async function servingPair(flags: ServingFlags): Promise<KeyPair> {
  const certificate = flags['tls-cert-file'];
  const key = flags['tls-private-key-file'];
  if ((certificate === '') !== (key === ''))
    throw new UserError('--tls-cert-file and --tls-private-key-file belong together');
  if (certificate !== '') {
    if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return { certificate, key };
    throw new UserError('--tls-private-key-file: the key does not belong to the certificate of --tls-cert-file');
  }
  const commonName = `${hostname().toLowerCase()}@${Math.floor(systemClock.now() / 1000)}`;
  const authority = await createAuthority({ commonName: `${commonName}-ca`, years: 1, clock: systemClock });
  return await createLeaf(authority, {
    commonName,
    usages: ['server'],
    dnsNames: ['localhost', hostname().toLowerCase()],
    ipAddresses: ['127.0.0.1'],
    days: 365,
    clock: systemClock,
  });
}

function reviewer(stack: AsyncDisposableStack, flag: string, path: string): Transport | undefined {
  return path === '' ? undefined : stack.use(transportFor(clientConfig(flag, path), systemClock));
}

export interface Served {
  readonly log: Log;
  readonly healthChecks: () => readonly HealthCheck[];
  readonly metrics: () => string;
}

/** Serves health and metrics until disposed of; nothing with port 0. Throws a {@link UserError}. */
export async function serveComponent(flags: ServingFlags, served: Served): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  if (flags['secure-port'] === 0) return stack;
  const access = new DelegatedAccess({
    clock: systemClock,
    authentication: reviewer(stack, 'authentication-kubeconfig', flags['authentication-kubeconfig']),
    authorization: reviewer(stack, 'authorization-kubeconfig', flags['authorization-kubeconfig']),
    alwaysAllowPaths: flags['authorization-always-allow-paths'],
    tokenTtlMs: flags['authentication-token-webhook-cache-ttl'],
    allowedTtlMs: flags['authorization-webhook-cache-authorized-ttl'],
    deniedTtlMs: flags['authorization-webhook-cache-unauthorized-ttl'],
  });
  const { certificate, key } = await servingPair(flags);
  const host = flags['bind-address'];
  const port = flags['secure-port'];
  const clientCa = flags['client-ca-file'];
  const server = stack.use(new ComponentServer({ ...served, host, port, certificate, key, clientCa, access }));
  try {
    await server.start();
  } catch (error) {
    throw new UserError(`--secure-port: cannot listen on ${host}:${port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return stack;
}
