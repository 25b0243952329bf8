/** Times as the API writes them. */
import type { Clock } from '@kubets/apimachinery/clock';

/** Now as a MicroTime: RFC 3339 with six digits of a second. */
export function microTime(clock: Pick<Clock, 'now'>): string {
  return `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`;
}

/** Now as a Time: RFC 3339, whole seconds. */
export function secondsTime(clock: Pick<Clock, 'now'>): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}
