/** The scheduler of `kubets up`, in the API server's process. */
import { sleep } from '@kubets/apimachinery/clock';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import type { ApiServer, Log } from '@kubets/kube-apiserver';
import type { SchedulerConfiguration } from '@kubets/kube-scheduler';
import { UserError } from '../user-error.ts';
import { background } from './background.ts';
import { schedulerUser, transportAs } from './identities.ts';

const stopMs = 1000;

const component = 'kube-scheduler';
/** A scheduler that has lost its lease, or has failed, is begun anew after this. */
const restartMs = 1000;

export interface SchedulerParts {
  readonly server: ApiServer;
  readonly log: Log;
  /** See `ControllersOptions.identity`. */
  readonly identity: string;
  /** Of `--scheduler-config`. */
  readonly configuration: SchedulerConfiguration;
}

/** Resolves when it has been started. Throws a {@link UserError} when it cannot be made as configured. */
export async function startScheduler(parts: SchedulerParts): Promise<AsyncDisposable> {
  const { server, log, identity, configuration } = parts;
  // Loaded when the API server is up already: that need not wait for this.
  const { createScheduler } = await import('@kubets/kube-scheduler');
  const make = () =>
    createScheduler({
      clock: systemClock,
      random: systemRandom,
      log,
      transport: transportAs(server, schedulerUser, component),
      identity,
      configuration,
    });
  const first = made(make);
  const run = async (signal: AbortSignal): Promise<void> => {
    for (let scheduler = first; ; scheduler = make()) {
      try {
        return await scheduler.run(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.error({ error: String(error) }, 'the scheduler has ended; it is started again');
        await sleep(systemClock, restartMs, signal).catch(() => undefined);
      }
    }
  };
  return background({ name: component, clock: systemClock, log, stopMs, run });
}

/** What goes wrong follows from the configuration. */
function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UserError(`--scheduler-config: ${(error as Error).message}`, { cause: error });
  }
}
