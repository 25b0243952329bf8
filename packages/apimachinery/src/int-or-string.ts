/**
 * Values that are a number or a text: ports, and counts that may be percentages
 * (`k8s.io/apimachinery/pkg/util/intstr/intstr.go`).
 */

/** On the wire either a JSON number or a JSON string. */
export type IntOrString = number | string;

/** Whether it is a text or a 32-bit number. */
export function isIntOrString(value: unknown): value is IntOrString {
  return typeof value === 'string' || (typeof value === 'number' && isInt32(value));
}

function isInt32(n: number): boolean {
  return Number.isInteger(n) && n >= -0x80000000 && n <= 0x7fffffff;
}

/** The number, or the number a text spells, or 0 (`IntOrString.IntValue`). */
export function intValue(value: IntOrString): number {
  if (typeof value === 'number') return value;
  return /^[+-]?[0-9]+$/.test(value) ? Number(value) : 0;
}

/** What {@link scaledValue} scales. */
export interface ScaleOptions {
  readonly value: IntOrString | undefined;
  /** What 100% stands for. */
  readonly total: number;
  /** Which way fractions go. */
  readonly round: 'up' | 'down';
}

/**
 * A count: the number as it is, or the percentage of `total`.
 *
 * @throws Error when the value is absent or its text is no percentage
 * (`GetScaledValueFromIntOrPercent`, whose wording this keeps).
 */
export function scaledValue(options: ScaleOptions): number {
  const { value, total, round } = options;
  if (value === undefined) throw new Error('nil value for IntOrString');
  if (typeof value === 'number') return value;
  if (!value.endsWith('%')) {
    throw new Error('invalid value for IntOrString: invalid type: string is not a percentage');
  }
  const digits = value.slice(0, -1);
  if (!/^[+-]?[0-9]+$/.test(digits)) {
    const text = JSON.stringify(value);
    const why = `strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`;
    throw new Error(`invalid value for IntOrString: invalid value ${text}: ${why}`);
  }
  const exact = (Number(digits) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** The percentage a text such as `25%` spells; undefined for numbers and other texts. */
export function percentOf(value: IntOrString): number | undefined {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}
