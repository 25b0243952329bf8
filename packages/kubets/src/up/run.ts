/** Starting and stopping a cluster in one process. */
import { hostname } from 'node:os';
import { systemClock } from '@kubets/apimachinery/system-clock';
import type { EmbeddedStore } from '@kubets/etcd';
import type { ApiServer, Log } from '@kubets/kube-apiserver';
import type { SchedulerConfiguration } from '@kubets/kube-scheduler';
import type { Stage } from '@kubets/kubelet';
import type { ClusterPki } from '@kubets/kubeadm';
import { readSchedulerConfiguration } from '../kube-scheduler/configuration.ts';
import { createLog } from '../log.ts';
import { checkPort, createUpServer, openStore, pkiOf, startServer, tlsMaterial } from './api-server.ts';
import { startRenewal } from './certificate-renewal.ts';
import { startControllers } from './controllers.ts';
import { openDataDirectory } from './data-directory.ts';
import { checkKubeconfigTarget, writeKubeconfig } from './kubeconfig.ts';
import type { UpOptions } from './options.ts';
import { Progress } from './progress.ts';
import { startScheduler } from './scheduler.ts';
import { readStagesFile, startSimulation } from './simulation.ts';
import { stopSignal } from './signals.ts';

function summary(pki: ClusterPki): string {
  return pki.changed.length === 0 ? 'present' : `made ${pki.changed.join(', ')}`;
}

const schedulerFlag = { flag: '--scheduler-config', gates: {} };

/** What is known when the API server runs. */
interface Parts {
  readonly pki: ClusterPki;
  readonly storage: EmbeddedStore;
  readonly stages: readonly Stage[];
  /** Of the file, if one is given. */
  readonly schedulerConfiguration: SchedulerConfiguration | undefined;
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
    if (!options.controlPlaneOnly && options.simulation === undefined)
      progress.line('  · this version runs no containers yet: --simulate-nodes N starts nodes that pretend to');
    const stages = await readStagesFile(options.simulation?.stagesFile);
    const { schedulerConfig } = options;
    const schedulerConfiguration =
      schedulerConfig === undefined ? undefined : await readSchedulerConfiguration(schedulerConfig, schedulerFlag);
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
    const early = await this.#early();
    if (early !== undefined) return early;
    this.#stack.use(this.#renewal(directory, server));
    await this.#startComponents(server, { pki, storage, stages, schedulerConfiguration });
    const late = await this.#early();
    if (late !== undefined) return late;
    const kubeconfig = await writeKubeconfig(pki, options.writeKubeconfig);
    progress.line(`kubets ready in ${(systemClock.monotonic() / 1000).toFixed(2)} s`);
    progress.line(`  export KUBECONFIG=${kubeconfig}`);
    progress.line('  kubectl get namespaces');
    return undefined;
  }

  /** The signal that has come by now. */
  async #early(): Promise<NodeJS.Signals | undefined> {
    return await Promise.race([this.#stopped, Promise.resolve(undefined)]);
  }

  async #startServer(storage: EmbeddedStore, pki: ClusterPki): Promise<ApiServer> {
    const options = this.#options;
    return await this.#progress.step('API server', async () => {
      const server = this.#stack.use(await createUpServer(options, storage, { pki, log: this.#log }));
      await startServer(server, options, this.#stopped);
      return server;
    });
  }

  /** What runs on the API server, in the order in which it needs each other. */
  async #startComponents(server: ApiServer, { pki, storage, stages, schedulerConfiguration }: Parts): Promise<void> {
    const options = this.#options;
    const log = this.#log;
    const identity = `${hostname()}_${storage.clusterId}`;
    if (options.controllers !== undefined) {
      const start = (): Promise<AsyncDisposable> => startControllers({ options, server, pki, log, identity });
      this.#stack.use(await this.#progress.step('controllers', start));
    }
    if (options.scheduler) {
      const configuration = schedulerConfiguration ?? (await readSchedulerConfiguration('', schedulerFlag));
      const start = (): Promise<AsyncDisposable> => startScheduler({ server, log, identity, configuration });
      this.#stack.use(await this.#progress.step('scheduler', start));
    }
    const { simulation } = options;
    if (simulation === undefined) return;
    const stop = new AbortController();
    void this.#stopped.then((name) => stop.abort(new Error(name)));
    const start = (): Promise<AsyncDisposable> =>
      startSimulation(simulation, { server, log, stages, signal: stop.signal });
    this.#stack.use(await this.#progress.step('simulated nodes', start, () => String(simulation.count)));
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
