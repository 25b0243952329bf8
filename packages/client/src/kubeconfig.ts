/** Kubeconfig files (client-go `tools/clientcmd`): which server, and as whom. */
import { existsSync, readFileSync } from 'node:fs';
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
const unsupportedClusterFields = ['proxy-url'];

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

/** An entry and the file it is from: its paths are relative to that. */
interface Found {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface LoadedFile {
  readonly file: string;
  readonly config: KubeconfigFile;
}

/** Of several files that are wanted, those that are missing are passed over; a single one must be there. */
function loadFiles(files: readonly string[]): LoadedFile[] {
  const present = files.length === 1 ? files : files.filter((file) => existsSync(file));
  if (present.length === 0) throw new Error(`none of the kubeconfig files exists: ${files.join(', ')}`);
  return present.map((file) => ({ file, config: (parse(readFileSync(file, 'utf8')) ?? {}) as KubeconfigFile }));
}

/** The first entry of that name counts, as with kubectl. */
function find(loaded: readonly LoadedFile[], type: 'cluster' | 'user' | 'context', name: unknown): Found | undefined {
  for (const { file, config } of loaded) {
    const value = config[`${type}s`]?.find((entry) => entry.name === name)?.[type];
    if (value !== undefined) return { file, value };
  }
  return undefined;
}

/** Throws for what a user or a cluster asks for that cannot be done here. */
function refuse({ file, value }: Found, what: string, fields: readonly string[]): void {
  const unsupported = fields.find((field) => value[field] !== undefined);
  if (unsupported !== undefined)
    throw new Error(`${file}: ${what} field ${JSON.stringify(unsupported)} is not supported`);
}

/**
 * Reads a kubeconfig: one file, or several merged as kubectl merges `$KUBECONFIG`. Throws with the file's
 * name when one is unreadable, when the context or its cluster is missing, or when the user needs a kind
 * of credential that is not supported.
 */
export function loadKubeconfig(files: string | readonly string[], contextName?: string): ClientConfig {
  const loaded = loadFiles(typeof files === 'string' ? [files] : files);
  const all = loaded.map(({ file }) => file).join(', ');
  const wanted = contextName ?? loaded.map(({ config }) => config['current-context']).find((name) => name);
  const context = find(loaded, 'context', wanted)?.value;
  if (context === undefined) throw new Error(`${all}: context ${JSON.stringify(wanted ?? '')} does not exist`);
  const cluster = find(loaded, 'cluster', context['cluster']);
  const server = cluster?.value['server'];
  if (cluster === undefined || typeof server !== 'string')
    throw new Error(`${all}: context ${JSON.stringify(wanted)} names no cluster with a server`);
  refuse(cluster, 'cluster', unsupportedClusterFields);
  const user = find(loaded, 'user', context['user']) ?? { file: cluster.file, value: {} };
  refuse(user, 'user', unsupportedUserFields);
  const namespace = context['namespace'];
  const serverName = cluster.value['tls-server-name'];
  return {
    server,
    ca: pem(cluster.value, 'certificate-authority', cluster.file),
    cert: pem(user.value, 'client-certificate', user.file),
    key: pem(user.value, 'client-key', user.file),
    insecureSkipTlsVerify: cluster.value['insecure-skip-tls-verify'] === true,
    serverName: typeof serverName === 'string' ? serverName : undefined,
    token: tokenSource(user.value, user.file),
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
