/** Starting and stopping a cluster in one process. */
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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

async function pkiOf(options: UpOptions, directory: string): Promise<ClusterPki> {
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

function serverOptions(
  options: UpOptions,
  storage: EmbeddedStore,
  { pki, log }: { readonly pki: ClusterPki; readonly log: Log },
): KubeApiServerOptions {
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
    standIns: { rootCA: pki.authority },
    featureGates: {},
    eventTtlSeconds: 3600,
  };
}

/** Resolves when the server is ready, or the user has stopped it before that. */
async function startServer(server: ApiServer, options: UpOptions, stopped: Promise<unknown>): Promise<void> {
  try {
    await Promise.race([server.start(), stopped]);
  } catch (error) {
    throw portError(error as NodeJS.ErrnoException, options.bindAddress, options.securePort);
  }
}

/** Found out before anything is started. Throws a {@link UserError}. */
function checkKubeconfigTarget(path: string): void {
  const folder = dirname(path);
  const fail = (why: string, cause?: unknown): never => {
    throw new UserError(`--write-kubeconfig: ${why}`, { cause });
  };
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) fail(`${path} is a folder: name a file in it`);
  if (!existsSync(folder)) fail(`the folder ${folder} does not exist: make it or choose another file`);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    fail(`the folder ${folder} may not be written to: choose another file`, error);
  }
}

/** The path of the administrator's kubeconfig, written where the user wants it too. */
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

/** What one run is made of, in the order in which it comes to be. */
class Run {
  readonly #options: UpOptions;
  readonly #stack: AsyncDisposableStack;
  readonly #progress = new Progress(process.stdout, systemClock);
  readonly #log: Log;
  readonly #stopped: Promise<NodeJS.Signals>;

  constructor(options: UpOptions, stack: AsyncDisposableStack) {
    this.#options = options;
    this.#stack = stack;
    const write = (line: string): void => this.#progress.around(() => process.stderr.write(line));
    this.#log = createLog(options.logFormat, options.verbosity, write);
    this.#stopped = stopSignal(systemClock);
  }

  async run(): Promise<void> {
    const signal = await this.#start();
    this.#progress.line(`${signal ?? (await this.#stopped)}: stopping`);
  }

  /** Resolves with the signal that came before all was started, if one did. */
  async #start(): Promise<NodeJS.Signals | undefined> {
    const options = this.#options;
    const progress = this.#progress;
    if (!options.controlPlaneOnly)
      progress.line('  · this version has no node side yet: starting the control plane only');
    if (options.writeKubeconfig !== undefined) checkKubeconfigTarget(options.writeKubeconfig);
    const directory = await progress.step(
      'data directory',
      () => openDataDirectory(options.dataDir),
      (path) => path,
    );
    await checkPort(options.bindAddress, options.securePort);
    const storage = this.#stack.use(await progress.step('store', () => openStore(directory, this.#log)));
    const pki = await progress.step('keys and certificates', () => pkiOf(options, directory), summary);
    for (const warning of pki.warnings) this.#log.warn({}, warning);
    const server = await this.#startServer(storage, pki);
    const early = await Promise.race([this.#stopped, Promise.resolve(undefined)]);
    if (early !== undefined) return early;
    this.#stack.use(this.#renewal(directory, server));
    const kubeconfig = await writeKubeconfig(pki, options.writeKubeconfig);
    progress.line(`kubets ready in ${(systemClock.monotonic() / 1000).toFixed(2)} s`);
    progress.line(`  export KUBECONFIG=${kubeconfig}`);
    progress.line('  kubectl get namespaces');
    return undefined;
  }

  async #startServer(storage: EmbeddedStore, pki: ClusterPki): Promise<ApiServer> {
    const options = this.#options;
    return await this.#progress.step('API server', async () => {
      const server = this.#stack.use(
        await createKubeApiServer(serverOptions(options, storage, { pki, log: this.#log })),
      );
      await startServer(server, options, this.#stopped);
      return server;
    });
  }

  #renewal(directory: string, server: ApiServer): Disposable {
    const options = this.#options;
    return startRenewal({
      clock: systemClock,
      log: this.#log,
      renew: async () => {
        const renewed = await pkiOf(options, directory);
        if (renewed.changed.includes('apiserver')) server.setTlsMaterial(tlsMaterial(renewed));
        if (renewed.changed.includes('admin.conf')) await writeKubeconfig(renewed, options.writeKubeconfig);
        return renewed;
      },
    });
  }
}

/** Runs until a signal. Rejects with a {@link UserError} when the user can mend what is wrong. */
export async function runUp(options: UpOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  await new Run(options, stack).run();
}
