/** HTTP/2 pings: a client that has vanished without a word is noticed (Go's `http2.Server`, ReadIdleTimeout and PingTimeout). */
import type { ServerHttp2Session } from 'node:http2';
import type { Clock, Timer } from '@kubets/apimachinery/clock';
import type { Limits } from './limits.ts';

/** Pings until the session is closed; destroys it when a ping stays unanswered. */
export function keepAlive(session: ServerHttp2Session, clock: Clock, limits: Limits): Disposable {
  let interval: Timer | undefined;
  let timeout: Timer | undefined;
  const arm = (): void => {
    interval = clock.setTimer(limits.pingIntervalMs, () => {
      if (session.closed || session.destroyed) return;
      timeout = clock.setTimer(limits.pingTimeoutMs, () => session.destroy());
      const sent = session.ping((error) => {
        timeout?.cancel();
        if (error === null) arm();
      });
      // Refused: too many pings wait for their answers, which is as bad as none.
      if (!sent) session.destroy();
    });
  };
  arm();
  return {
    [Symbol.dispose]() {
      interval?.cancel();
      timeout?.cancel();
    },
  };
}
