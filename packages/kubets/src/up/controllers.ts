/** The controllers of `kubets up`, in the API server's process. */
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import type { ApiServer, Log } from '@kubets/kube-apiserver';
import type { ClusterPki } from '@kubets/kubeadm';
import { UserError } from '../user-error.ts';
import { background } from './background.ts';
import { controllerManagerUser, controllerUser, transportAs } from './identities.ts';
import type { UpOptions } from './options.ts';

/** Controllers get most of the 5 s in which everything has to end. */
const stopMs = 2500;

const component = 'kube-controller-manager';

export interface ControllersOptions {
  readonly options: UpOptions;
  readonly server: ApiServer;
  readonly pki: ClusterPki;
  readonly log: Log;
  /** The same for each process that runs on the data directory: there is one at a time, so it takes its leases back at once. */
  readonly identity: string;
}

/** Resolves when the controllers have been started. Throws a {@link UserError} for a controller that does not exist. */
export async function startControllers(parts: ControllersOptions): Promise<AsyncDisposable> {
  const { options, server, pki, log, identity } = parts;
  // Loaded when the API server is up already: that need not wait for this.
  const { createControllerManager, UnknownControllerError } = await import('@kubets/kube-controller-manager');
  const started = Promise.withResolvers<void>();
  try {
    const manager = createControllerManager({
      clock: systemClock,
      random: systemRandom,
      log,
      transport: transportAs(server, controllerManagerUser, component),
      transportFor: (account) => transportAs(server, controllerUser(account), component),
      controllers: options.controllers ?? [],
      options: managerOptions(options, pki),
      leaderElection: { identity },
      shutdownTimeoutMs: stopMs - 500,
      onStarted: () => started.resolve(),
    });
    const running = background({
      name: component,
      clock: systemClock,
      log,
      stopMs,
      run: async (signal) => {
        signal.addEventListener('abort', () => started.resolve(), { once: true });
        await manager.run(signal).finally(() => started.resolve());
      },
    });
    await started.promise;
    return running;
  } catch (error) {
    if (error instanceof UnknownControllerError)
      throw new UserError(`--controllers: ${error.message}`, { cause: error });
    throw error;
  }
}

function managerOptions(options: UpOptions, pki: ClusterPki): object {
  return {
    allocateNodeCidrs: true,
    clusterCidrs: options.clusterCidrs,
    serviceClusterIpRanges: options.serviceClusterIpRanges,
    rootCa: pki.authority,
    serviceAccountPrivateKey: pki.serviceAccountKey.privateKey,
    clusterSigning: { certificate: pki.authority, key: pki.authorityKey },
  };
}
