/** Looks after the certificates while the cluster runs. */
import type { Clock } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/kube-apiserver';

const checkMs = 3_600_000;
const checksADay = 24;

export interface RenewalOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Renews what is due, and puts it to use; resolves to what has changed and what the user should know. */
  readonly renew: () => Promise<{ readonly changed: readonly string[]; readonly warnings: readonly string[] }>;
}

/**
 * Checks once an hour until disposed. A failed check is logged and made again an hour later;
 * warnings are repeated once a day.
 */
export function startRenewal(options: RenewalOptions): Disposable {
  const { clock, log, renew } = options;
  let timer = clock.setTimer(checkMs, check);
  let stopped = false;
  let checks = 0;
  function check(): void {
    checks++;
    renew()
      .then(
        ({ changed, warnings }) => {
          if (changed.length > 0) log.info({ changed }, 'certificates renewed');
          if (checks % checksADay === 0) for (const warning of warnings) log.warn({}, warning);
        },
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
