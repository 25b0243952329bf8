/** Kubeconfig files (client-go `tools/clientcmd`): which server, and as whom. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Clock } from '@kubets/apimachinery/clock';
import { parse } from 'yaml';
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts';
import { ManagedTransport, type RequestPolicy } from './managed-transport.ts';

interface NamedEntry {
  readonly name: string;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

interface KubeconfigFile {
  readonly 'current-context'?: string;
  readonly clusters?: readonly NamedEntry[];
  readonly users?: readonly NamedEntry[];
  readonly contexts?: readonly NamedEntry[];
}

export interface ClientConfig extends Omit<HttpTransportOptions, 'clock'> {
  /** The context's namespace; `default` when it names none. */
  readonly namespace: string;
}

/** User fields that are known but cannot be used here: saying so beats failing with 401 later. */
const unsupportedUserFields = ['exec', 'auth-provider', 'username', 'password', 'as'];

/** Paths as kubectl looks for them: `$KUBECONFIG` (a list), else `~/.kube/config`. */
export function defaultKubeconfigPaths(env: NodeJS.ProcessEnv = process.env): string[] {
  const list = env['KUBECONFIG'];
  return list === undefined || list === ''
    ? [join(homedir(), '.kube', 'config')]
    : list.split(delimiter).filter((p) => p !== '');
}

/** A value given inline (`<name>-data`, base64) or as a path relative to the file. */
function pem(entry: Readonly<Record<string, unknown>>, name: string, file: string): string | undefined {
  const data = entry[`${name}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const path = entry[name];
  return typeof path === 'string' && path !== '' ? readFileSync(resolve(dirname(file), path), 'utf8') : undefined;
}

function tokenSource(user: Readonly<Record<string, unknown>>, file: string): (() => string | undefined) | undefined {
  const tokenFile = user['tokenFile'];
  // Read at every use: the kubelet rotates mounted tokens in place.
  if (typeof tokenFile === 'string') return () => readFileSync(resolve(dirname(file), tokenFile), 'utf8').trim();
  const token = user['token'];
  return typeof token === 'string' ? () => token : undefined;
}

function named(entries: readonly NamedEntry[] | undefined, name: unknown): NamedEntry | undefined {
  return entries?.find((entry) => entry.name === name);
}

/**
 * Reads one kubeconfig file. Throws with the file's name when it is unreadable, when the context or
 * its cluster is missing, or when the user needs a kind of credential that is not supported.
 */
export function loadKubeconfig(file: string, contextName?: string): ClientConfig {
  const config = (parse(readFileSync(file, 'utf8')) ?? {}) as KubeconfigFile;
  const wanted = contextName ?? config['current-context'];
  const context = named(config.contexts, wanted)?.context;
  if (context === undefined) throw new Error(`${file}: context ${JSON.stringify(wanted)} does not exist`);
  const cluster = named(config.clusters, context['cluster'])?.cluster;
  if (typeof cluster?.['server'] !== 'string')
    throw new Error(`${file}: context ${JSON.stringify(wanted)} names no cluster with a server`);
  const user = named(config.users, context['user'])?.user ?? {};
  const unsupported = unsupportedUserFields.find((field) => user[field] !== undefined);
  if (unsupported !== undefined) throw new Error(`${file}: user field ${JSON.stringify(unsupported)} is not supported`);
  const namespace = context['namespace'];
  const serverName = cluster['tls-server-name'];
  return {
    server: cluster['server'],
    ca: pem(cluster, 'certificate-authority', file),
    cert: pem(user, 'client-certificate', file),
    key: pem(user, 'client-key', file),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
    serverName: typeof serverName === 'string' ? serverName : undefined,
    token: tokenSource(user, file),
    namespace: typeof namespace === 'string' && namespace !== '' ? namespace : 'default',
  };
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The configuration of a pod (client-go `rest.InClusterConfig`). Throws outside of one. */
export function inClusterConfig(env: NodeJS.ProcessEnv = process.env): ClientConfig {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || port === undefined) {
    throw new Error('not running in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set');
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: readFileSync(join(serviceAccountFolder, 'ca.crt'), 'utf8'),
    token: () => readFileSync(join(serviceAccountFolder, 'token'), 'utf8').trim(),
    namespace: readFileSync(join(serviceAccountFolder, 'namespace'), 'utf8').trim(),
  };
}

/** A transport for a configuration, with client-go's retries and whatever else the policy asks for. */
export function transportFor(
  config: ClientConfig,
  clock: Clock,
  policy: Omit<RequestPolicy, 'clock'> = {},
): ManagedTransport {
  return new ManagedTransport(new HttpTransport({ ...config, clock }), { ...policy, clock });
}
