/** Looks after the certificates while the cluster runs. */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/kube-apiserver';

const checkMs = 3_600_000;

export interface RenewalOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Renews what is due, and puts it to use; resolves to the names of what has changed. */
  readonly renew: () => Promise<readonly string[]>;
}

/** Checks once an hour until disposed. A failed check is logged and made again an hour later. */
export function startRenewal(options: RenewalOptions): Disposable {
  const { clock, log, renew } = options;
  let timer = clock.setTimer(checkMs, check);
  let stopped = false;
  function check(): void {
    renew()
      .then(
        (changed) => changed.length > 0 && log.info({ changed }, 'certificates renewed'),
        (error: unknown) => log.error({ error: String(error) }, 'certificates could not be renewed'),
      )
      .finally(() => {
        if (!stopped) timer = clock.setTimer(checkMs, check);
      });
  }
  return {
    [Symbol.dispose]() {
      stopped = true;
      timer.cancel();
    },
  };
}
