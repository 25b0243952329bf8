/**
 * Exact resource quantities: `500m`, `1.5Gi`, `12e6`
 * (`k8s.io/apimachinery/pkg/api/resource/quantity.go`, `amount.go`, `suffix.go`).
 *
 * A quantity is mantissa × 10^scale. The mantissa is a plain number while it is a safe integer, a bigint otherwise.
 */

/** The suffix family a quantity is written in; kept when it is written back. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixWrong = "unable to parse quantity's suffix";

const decimalSuffixes = new Map([
  ['', 0],
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const binarySuffixes = new Map([
  ['Ki', 10],
  ['Mi', 20],
  ['Gi', 30],
  ['Ti', 40],
  ['Pi', 50],
  ['Ei', 60],
]);
const decimalSuffixOf = new Map([...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixOf = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const nano = -9;
const maxInt64 = (1n << 63n) - 1n;
/** Beyond this many digits of shift nothing is expanded: past every float, int64, mantissa and real resource. */
const maxShift = 2048;

const abs = (n: bigint): bigint => (n < 0n ? -n : n);
const pow10 = (n: number): bigint => 10n ** BigInt(Math.min(n, maxShift));

/** `mantissa × 10^from` as a multiple of 10^to, rounded away from zero when `to` is coarser. */
function rescale(mantissa: bigint, from: number, to: number): bigint {
  if (from >= to) return mantissa * pow10(from - to);
  const divisor = pow10(to - from);
  const quotient = mantissa / divisor;
  if (mantissa % divisor === 0n) return quotient;
  return mantissa < 0n ? quotient - 1n : quotient + 1n;
}

function narrow(mantissa: bigint): number | bigint {
  return mantissa <= Number.MAX_SAFE_INTEGER && mantissa >= Number.MIN_SAFE_INTEGER ? Number(mantissa) : mantissa;
}

/**
 * An immutable quantity. Arithmetic is exact and keeps the receiver's format, or takes the argument's when the
 * receiver is zero (`Quantity.Add`, `Quantity.Sub`).
 */
export class Quantity {
  readonly format: QuantityFormat;
  readonly #mantissa: number | bigint;
  readonly #scale: number;
  #text: string;

  /** `mantissa × 10^scale`; `text` is the written form when it is known. */
  constructor(mantissa: number | bigint, scale: number, format: QuantityFormat, text = '') {
    this.#mantissa = typeof mantissa === 'bigint' ? narrow(mantissa) : mantissa;
    this.#scale = scale;
    this.format = format;
    this.#text = text;
  }

  isZero(): boolean {
    return Number(this.#mantissa) === 0;
  }

  /** -1, 0 or 1. */
  sign(): number {
    return this.#mantissa > 0 ? 1 : this.#mantissa < 0 ? -1 : 0;
  }

  /** -1, 0 or 1, as this is less than, equal to or greater than `other`. */
  compare(other: Quantity): number {
    if (this.#scale === other.#scale) {
      return this.#mantissa < other.#mantissa ? -1 : this.#mantissa > other.#mantissa ? 1 : 0;
    }
    const sign = this.sign();
    if (sign !== other.sign() || sign === 0) return Math.sign(sign - other.sign());
    const magnitudes = this.#magnitude() - other.#magnitude();
    if (magnitudes !== 0) return magnitudes > 0 ? sign : -sign;
    const scale = Math.min(this.#scale, other.#scale);
    const [a, b] = [this.#at(scale), other.#at(scale)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  equals(other: Quantity): boolean {
    return this.compare(other) === 0;
  }

  add(other: Quantity): Quantity {
    return this.#plus(other, 1);
  }

  sub(other: Quantity): Quantity {
    return this.#plus(other, -1);
  }

  neg(): Quantity {
    return this.isZero() ? this : new Quantity(-this.#mantissa, this.#scale, this.format);
  }

  /** Multiplied by a whole number. */
  mul(factor: number): Quantity {
    return new Quantity(BigInt(this.#mantissa) * BigInt(factor), this.#scale, this.format);
  }

  /** The value in units of 10^scale, rounded away from zero. */
  scaledValue(scale: number): bigint {
    return rescale(BigInt(this.#mantissa), this.#scale, scale);
  }

  /** The whole number that holds this quantity: fractions round away from zero. Above 2^53 the nearest float. */
  value(): number {
    return this.#scale === 0 ? Number(this.#mantissa) : Number(this.scaledValue(0));
  }

  /** As {@link value}, in thousandths. */
  milliValue(): number {
    return this.#scale === -3 ? Number(this.#mantissa) : Number(this.scaledValue(-3));
  }

  /** Rounded away from zero to a multiple of 10^scale; itself when it is one already. */
  roundUp(scale: number): Quantity {
    if (this.#scale >= scale) return this;
    return new Quantity(this.scaledValue(scale), scale, this.format);
  }

  /** The nearest float; ±Infinity past its range. */
  asNumber(): number {
    return Number(`${this.#mantissa}e${this.#scale}`);
  }

  /** The canonical form. */
  toString(): string {
    if (this.#text === '') this.#text = this.#write();
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  #at(scale: number): bigint {
    return rescale(BigInt(this.#mantissa), this.#scale, scale);
  }

  /** Decimal digits before the point, so that far apart values compare without expanding either. */
  #magnitude(): number {
    return abs(BigInt(this.#mantissa)).toString().length + this.#scale;
  }

  #plus(other: Quantity, sign: 1 | -1): Quantity {
    const format = this.isZero() ? other.format : this.format;
    if (this.#scale === other.#scale && typeof this.#mantissa === 'number' && typeof other.#mantissa === 'number') {
      const sum = this.#mantissa + sign * other.#mantissa;
      if (Number.isSafeInteger(sum)) return new Quantity(sum, this.#scale, format);
    }
    const scale = Math.min(this.#scale, other.#scale);
    return new Quantity(this.#at(scale) + BigInt(sign) * other.#at(scale), scale, format);
  }

  /** `Quantity.CanonicalizeBytes`. */
  #write(): string {
    if (this.isZero()) return '0';
    if (this.format !== 'BinarySI') return this.#writeDecimal(this.format);
    const mantissa = BigInt(this.#mantissa);
    const whole = rescale(mantissa, this.#scale, 0);
    // Small or broken values would lose meaning in binary units; they are shown in decimal ones.
    const exact = this.#scale >= 0 || mantissa % pow10(-this.#scale) === 0n;
    if (!exact || abs(whole) < 1024n) return this.#writeDecimal('DecimalSI');
    let [amount, power] = [whole, 0];
    while (power < 6 && amount % 1024n === 0n) {
      amount /= 1024n;
      power++;
    }
    return `${amount}${binarySuffixOf[power]}`;
  }

  #writeDecimal(format: QuantityFormat): string {
    let digits = this.#mantissa.toString();
    let exponent = this.#scale;
    const zeros = digits.length - digits.replace(/0+$/, '').length;
    digits = digits.slice(0, digits.length - zeros);
    exponent += zeros;
    const excess = ((exponent % 3) + 3) % 3;
    digits += '0'.repeat(excess);
    exponent -= excess;
    const suffix = format === 'DecimalSI' ? decimalSuffixOf.get(exponent) : undefined;
    if (suffix !== undefined) return digits + suffix;
    // DecimalSI ends at E; larger values would lose their exponent without a suffix.
    return exponent === 0 ? digits : `${digits}e${exponent}`;
  }
}

interface Parts {
  readonly negative: boolean;
  readonly integer: string;
  readonly fraction: string;
  readonly suffix: string;
}

/** Past the end of the digits that start there. A scanner, since texts come from outside and a pattern would retry. */
function skipDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
  return at;
}

function skipZeros(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 48) at++;
  return at;
}

const suffixShape = /^[eEinumkKMGTP]*[-+]?[0-9]*$/;
/** Longer texts carry no more meaning than rounding would leave; the bound keeps big arithmetic small. */
const maxLength = 1024;

function split(text: string): Parts {
  if (text === '' || text.length > maxLength) throw new Error(formatWrong);
  const negative = text.charCodeAt(0) === 45;
  const start = skipZeros(text, negative || text.charCodeAt(0) === 43 ? 1 : 0);
  const point = skipDigits(text, start);
  const hasFraction = text.charCodeAt(point) === 46;
  const end = hasFraction ? skipDigits(text, point + 1) : point;
  const suffix = text.slice(end);
  if (!suffixShape.test(suffix)) throw new Error(formatWrong);
  const fraction = hasFraction ? text.slice(point + 1, end) : '';
  return { negative, integer: text.slice(start, point) || '0', fraction, suffix };
}

interface Unit {
  readonly format: QuantityFormat;
  readonly base: 2 | 10;
  readonly exponent: number;
}

function unitOf(suffix: string): Unit {
  const decimal = decimalSuffixes.get(suffix);
  if (decimal !== undefined) return { format: 'DecimalSI', base: 10, exponent: decimal };
  const binary = binarySuffixes.get(suffix);
  if (binary !== undefined) return { format: 'BinarySI', base: 2, exponent: binary };
  if (/^[eE][-+]?[0-9]+$/.test(suffix)) {
    const exponent = Number(suffix.slice(1));
    if (Math.abs(exponent) <= 0x7fffffff) return { format: 'DecimalExponent', base: 10, exponent };
  }
  throw new Error(suffixWrong);
}

/**
 * Upstream keeps the text of a number that its quick check takes for canonical; users see it unchanged
 * (`1.500`, `+5`). The check is `ParseQuantity`'s.
 */
function keepsText(parts: Parts, unit: Unit, scale: number): boolean {
  const digits = parts.integer + parts.fraction;
  if (unit.base === 2) {
    const fits = 15 - parts.integer.length - Math.trunc((unit.exponent * 3) / 10) - 1 >= 0;
    return fits && parts.fraction === '' && BigInt(digits) % 8n !== 0n;
  }
  const fast = digits.length <= 18 && scale >= nano;
  return fast && scale % 3 === 0 && !digits.endsWith('000') && digits[0] !== '0';
}

function build(text: string): Quantity {
  const parts = split(text);
  const unit = unitOf(parts.suffix);
  let mantissa = BigInt(parts.integer + parts.fraction);
  if (mantissa === 0n) return new Quantity(0, 0, unit.format, '0');
  let scale = (unit.base === 10 ? unit.exponent : 0) - parts.fraction.length;
  if (keepsText(parts, unit, scale)) {
    if (unit.base === 2) mantissa <<= BigInt(unit.exponent);
    return new Quantity(parts.negative ? -mantissa : mantissa, scale, unit.format, text);
  }
  if (unit.base === 2) mantissa <<= BigInt(unit.exponent);
  if (scale < nano) {
    mantissa = rescale(mantissa, scale, nano);
    scale = nano;
  }
  let format = unit.format;
  if (format === 'BinarySI') {
    if (rescale(mantissa, scale, 0) > maxInt64) [mantissa, scale] = [maxInt64, 0];
    else if (scale < 0 && mantissa < pow10(-scale)) format = 'DecimalSI';
  }
  return new Quantity(parts.negative ? -mantissa : mantissa, scale, format);
}

const cacheLimit = 8192;
const maxCachedLength = 32;
const cache = new Map<string, Quantity>();

/**
 * Parses a quantity as `resource.ParseQuantity` does; numbers are read by their JSON text.
 * Positive values below 1n round up to 1n; binary values are capped at 2^63-1.
 *
 * @throws Error with upstream's text when it is no quantity.
 */
export function parseQuantity(value: string | number): Quantity {
  const text = typeof value === 'string' ? value : String(value);
  const known = cache.get(text);
  if (known !== undefined) return known;
  const quantity = build(text);
  if (text.length <= maxCachedLength) {
    // Quantities repeat heavily (every pod's requests); dropping all at the limit keeps the bound cheap.
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(text, quantity);
  }
  return quantity;
}

/**
 * The canonical text of a quantity on the wire, as decoding and encoding it upstream gives
 * (`Quantity.UnmarshalJSON` trims spaces first).
 *
 * @throws Error as {@link parseQuantity}.
 */
export function canonicalizeQuantity(value: string | number): string {
  if (typeof value === 'string') {
    const known = cache.get(value);
    if (known !== undefined) return known.toString();
    return parseQuantity(value.trim()).toString();
  }
  return parseQuantity(value).toString();
}

/** A quantity of whole units (`resource.NewQuantity`). */
export function newQuantity(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(value, 0, format);
}

/** A quantity of thousandths (`resource.NewMilliQuantity`). */
export function newMilliQuantity(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(value, -3, format);
}

/** Zero in decimal units. */
export const zeroQuantity: Quantity = new Quantity(0, 0, 'DecimalSI', '0');
