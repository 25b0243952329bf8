/**
 * `metav1.Time` and `metav1.MicroTime`: RFC 3339 as Go's `time.Parse` reads it and Kubernetes writes it
 * (`k8s.io/apimachinery/pkg/apis/meta/v1/time.go`, `micro_time.go`).
 */

const secondsLayout = '2006-01-02T15:04:05Z07:00';
const microLayout = '2006-01-02T15:04:05.000000Z07:00';

const pad = (n: number, width: number): string => String(n).padStart(width, '0');

// Most times that are written are of the present second.
let lastSecond = Number.NaN;
let lastText = '';

/**
 * `2024-01-02T03:04:05Z`: UTC, whole seconds; fractions are cut off. `ms` is since the Unix epoch.
 *
 * The text is in one piece: one that is put together from two makes JSON.stringify take its slow path for the whole object.
 */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    const iso = new Date(second * 1000).toISOString();
    lastText = [iso.slice(0, iso.length - 5), 'Z'].join('');
    lastSecond = second;
  }
  return lastText;
}

/** `2024-01-02T03:04:05.678901Z`: UTC, six digits. Fractions of a millisecond in `ms` are kept as microseconds. */
export function formatMicroTime(ms: number): string {
  const micros = Math.floor(ms * 1000);
  const seconds = Math.floor(micros / 1e6);
  const text = formatTime(seconds * 1000);
  return [text.slice(0, text.length - 1), '.', pad(micros - seconds * 1e6, 6), 'Z'].join('');
}

interface Moment {
  /** Milliseconds since the epoch of the whole second. */
  readonly ms: number;
  /** Fraction of the second, nine digits or fewer. */
  readonly fraction: string;
}

/** Reads by the layout from left to right, so that an error names the element at which Go stops. */
class Reader {
  readonly #text: string;
  readonly #layout: string;
  #at = 0;

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#layout = layout;
  }

  get rest(): string {
    return this.#text.slice(this.#at);
  }

  fail(element: string): Error {
    return this.failAt(this.rest, element);
  }

  failAt(rest: string, element: string): Error {
    const q = JSON.stringify;
    return new Error(`parsing time ${q(this.#text)} as ${q(this.#layout)}: cannot parse ${q(rest)} as ${q(element)}`);
  }

  outOfRange(what: string): Error {
    return new Error(`parsing time ${JSON.stringify(this.#text)}: ${what} out of range`);
  }

  extra(): Error {
    return new Error(`parsing time ${JSON.stringify(this.#text)}: extra text: ${JSON.stringify(this.rest)}`);
  }

  digits(min: number, max: number, element: string): number {
    let n = 0;
    while (n < max && isDigit(this.#text.charCodeAt(this.#at + n))) n++;
    if (n < min) throw this.fail(element);
    const value = Number(this.#text.slice(this.#at, this.#at + n));
    this.#at += n;
    return value;
  }

  literal(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) throw this.fail(text);
    this.#at += text.length;
  }

  /** A run of digits behind `.` or `,`; nothing read when there is none. */
  fraction(): string {
    const mark = this.#text[this.#at];
    if (mark !== '.' && mark !== ',') return '';
    let end = this.#at + 1;
    while (isDigit(this.#text.charCodeAt(end))) end++;
    if (end === this.#at + 1) return '';
    const digits = this.#text.slice(this.#at + 1, end);
    this.#at = end;
    return digits;
  }

  /** Offset from UTC in minutes. */
  zone(): number {
    if (this.#text[this.#at] === 'Z') {
      this.#at++;
      return 0;
    }
    const match = /^([+-])([0-9]{2}):([0-9]{2})/.exec(this.rest);
    if (match === null) throw this.fail('Z07:00');
    const [whole, sign, hours, minutes] = match;
    if (Number(hours) > 24) throw this.outOfRange('time zone offset hour');
    if (Number(minutes) >= 60) throw this.outOfRange('time zone offset minute');
    this.#at += whole.length;
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function readDate(reader: Reader): [year: number, month: number, day: number] {
  const year = reader.digits(4, 4, '2006');
  reader.literal('-');
  const month = reader.digits(2, 2, '01');
  if (month < 1 || month > 12) throw reader.outOfRange('month');
  reader.literal('-');
  const day = reader.digits(2, 2, '02');
  return [year, month, day];
}

function readMoment(text: string, layout: string): Moment {
  const reader = new Reader(text, layout);
  const [year, month, day] = readDate(reader);
  reader.literal('T');
  // Go takes one digit for the hour of this layout, two for the others.
  const hour = reader.digits(1, 2, '15');
  if (hour > 23) throw reader.outOfRange('hour');
  reader.literal(':');
  const minute = reader.digits(2, 2, '04');
  if (minute > 59) throw reader.outOfRange('minute');
  reader.literal(':');
  const second = reader.digits(2, 2, '05');
  if (second > 59) throw reader.outOfRange('second');
  const before = reader.rest;
  const fraction = reader.fraction();
  if (layout === microLayout && fraction.length !== 6) throw reader.failAt(before, '.000000');
  const offset = reader.zone();
  if (reader.rest !== '') throw reader.extra();
  if (day < 1 || day > daysIn(year, month)) throw reader.outOfRange('day');
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return { ms: date.getTime() - offset * 60_000, fraction };
}

/** Whether the text is exactly what {@link formatTime} writes, so that it needs no rewriting. */
function isCanonicalSeconds(text: string): boolean {
  if (text.length !== 20 || text.charCodeAt(19) !== 90) return false;
  for (let i = 0; i < 19; i++) {
    const code = text.charCodeAt(i);
    const mark = '    -  -  T  :  :  '.charCodeAt(i);
    if (mark === 32 ? !isDigit(code) : code !== mark) return false;
  }
  const two = (at: number): number => (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
  const day = two(8);
  // Days past the 28th depend on the month: the slow path knows.
  return two(5) >= 1 && two(5) <= 12 && day >= 1 && day <= 28 && two(11) < 24 && two(14) < 60 && two(17) < 60;
}

/**
 * Milliseconds since the epoch of an RFC 3339 time with any offset and any fraction (`time.Parse(time.RFC3339)`).
 *
 * @throws Error worded as Go words it.
 */
export function parseTime(text: string): number {
  const { ms, fraction } = readMoment(text, secondsLayout);
  return fraction === '' ? ms : ms + Math.floor(Number(`0.${fraction}`) * 1000);
}

/** As {@link parseTime} for a MicroTime, which needs exactly six digits; microseconds are the result's fraction. */
export function parseMicroTime(text: string): number {
  const { ms, fraction } = readMoment(text, microLayout);
  return ms + Number(fraction) / 1000;
}

/** A `metav1.Time` as decoding and encoding it upstream gives: UTC, whole seconds. @throws Error as parseTime. */
export function canonicalizeTime(text: string): string {
  return isCanonicalSeconds(text) ? text : formatTime(readMoment(text, secondsLayout).ms);
}

/** A `metav1.MicroTime` as decoding and encoding it upstream gives: UTC, six digits. @throws Error as parseTime. */
export function canonicalizeMicroTime(text: string): string {
  const { ms, fraction } = readMoment(text, microLayout);
  const seconds = formatTime(ms);
  return `${seconds.slice(0, seconds.length - 1)}.${fraction}Z`;
}
