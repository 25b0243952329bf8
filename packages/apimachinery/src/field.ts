/**
 * Field paths and validation errors, worded as upstream words them
 * (`k8s.io/apimachinery/pkg/util/validation/field`: `path.go`, `errors.go`).
 */

/** A path such as `spec.containers[0].env[name].value`. Immutable; children share their parents. */
export class Path {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** `newPath('spec', 'template')` is `spec.template`. */
  static of(name: string, ...more: string[]): Path {
    return new Path([name, ...more].join('.'));
  }

  /** The empty path; its children have no leading dot. */
  static readonly root = new Path('');

  child(name: string, ...more: string[]): Path {
    const tail = more.length === 0 ? name : [name, ...more].join('.');
    return new Path(this.#text === '' ? tail : `${this.#text}.${tail}`);
  }

  index(i: number): Path {
    return new Path(`${this.#text}[${i}]`);
  }

  key(key: string): Path {
    return new Path(`${this.#text}[${key}]`);
  }

  toString(): string {
    return this.#text === '' ? '<nil>' : this.#text;
  }
}

/** The machine-readable kind of a field error; the values are the `reason` of a Status cause. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid';

const typeText: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

const withoutValue: ReadonlySet<FieldErrorType> = new Set<FieldErrorType>([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
  'FieldValueTypeInvalid',
]);

export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly badValue?: unknown;
  readonly detail: string;
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return String(value);
  }
  return JSON.stringify(value);
}

/** As `badValue`: the error is about the whole field, and shows no value (`field.OmitValueType`). */
export const omitValue: unique symbol = Symbol('omitValue');

/** The part behind the field: `Invalid value: "x": detail`. */
export function fieldErrorBody(e: FieldError): string {
  const omit = withoutValue.has(e.type) || e.badValue === omitValue;
  const head = omit ? typeText[e.type] : `${typeText[e.type]}: ${valueText(e.badValue)}`;
  return e.detail === '' ? head : `${head}: ${e.detail}`;
}

/** `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function fieldErrorText(e: FieldError): string {
  return `${e.field}: ${fieldErrorBody(e)}`;
}

function make(type: FieldErrorType, path: Path, badValue: unknown, detail: string): FieldError {
  return { type, field: path.toString(), badValue, detail };
}

export const notFound = (path: Path, value: unknown): FieldError => make('FieldValueNotFound', path, value, '');
export const required = (path: Path, detail: string): FieldError => make('FieldValueRequired', path, '', detail);
export const duplicate = (path: Path, value: unknown): FieldError => make('FieldValueDuplicate', path, value, '');
export const invalid = (path: Path, value: unknown, detail: string): FieldError =>
  make('FieldValueInvalid', path, value, detail);
export const typeInvalid = (path: Path, value: unknown, detail: string): FieldError =>
  make('FieldValueTypeInvalid', path, value, detail);
export const forbidden = (path: Path, detail: string): FieldError => make('FieldValueForbidden', path, '', detail);
export const tooLong = (path: Path, maxBytes: number): FieldError =>
  make('FieldValueTooLong', path, '', maxBytes >= 0 ? `may not be more than ${maxBytes} bytes` : 'value is too long');
export const tooMany = (path: Path, actual: number, max: number): FieldError =>
  make('FieldValueTooMany', path, actual, max >= 0 ? `must have at most ${max} items` : 'has too many items');
export const internalError = (path: Path, error: unknown): FieldError =>
  make('InternalError', path, '', error instanceof Error ? error.message : String(error));

/** `Unsupported value: "x": supported values: "a", "b"`; the values in the order given. */
export function notSupported(path: Path, value: unknown, valid: readonly string[]): FieldError {
  const detail = valid.length === 0 ? '' : `supported values: ${valid.map((v) => JSON.stringify(v)).join(', ')}`;
  return make('FieldValueNotSupported', path, value, detail);
}

/** One message for a list: bare when there is one, `[a, b]` when there are several; repeats are dropped. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
