/** Times as the API writes them. */
import type { Clock } from '@kubets/apimachinery/clock';
import { formatMicroTime, formatTime } from '@kubets/apimachinery/time';

/** Now as a MicroTime: RFC 3339 with six digits of a second. */
export function microTime(clock: Pick<Clock, 'now'>): string {
  return formatMicroTime(Math.floor(clock.now()));
}

/** Now as a Time: RFC 3339, whole seconds. */
export function secondsTime(clock: Pick<Clock, 'now'>): string {
  return formatTime(clock.now());
}
