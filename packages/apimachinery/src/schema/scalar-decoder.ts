/**
 * Decoding of scalar values as Go's types do it (`sigs.k8s.io/json` for plain values;
 * the `UnmarshalJSON` methods of Time, MicroTime, Duration, Quantity and IntOrString).
 */
import { canonicalizeDuration } from '../duration.ts';
import { canonicalizeQuantity } from '../quantity.ts';
import { canonicalizeMicroTime, canonicalizeTime } from '../time.ts';
import { DecodeError } from './decode-error.ts';
import type { ScalarSchema } from './types.ts';

/** Thrown when a value's JSON type does not fit; whoever knows the path words the error. */
export const mismatch: unique symbol = Symbol('mismatch');

export type ScalarDecoder = (value: unknown) => unknown;

const maxInt32 = 2147483647;
const maxInt64 = 9223372036854775807n;

function decodeString(value: unknown): unknown {
  if (typeof value !== 'string') throw mismatch;
  return value;
}

function decodeBoolean(value: unknown): unknown {
  if (typeof value !== 'boolean') throw mismatch;
  return value;
}

function decodeInt32(value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || value > maxInt32 || value < -maxInt32 - 1)
    throw mismatch;
  return value;
}

function decodeInt64(value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch;
  if (!Number.isSafeInteger(value) && (BigInt(value) > maxInt64 + 1n || BigInt(value) < -maxInt64 - 1n)) throw mismatch;
  return value;
}

function decodeDouble(value: unknown): unknown {
  if (typeof value !== 'number') throw mismatch;
  return value;
}

const jsonTypeName = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? 'array' : typeof value;

/** The error of a custom `UnmarshalJSON` that reads a plain Go value: it knows nothing of the path. */
function plainMismatch(value: unknown, goType: string): DecodeError {
  const what = typeof value === 'number' && goType !== 'string' ? `number ${value}` : jsonTypeName(value);
  return new DecodeError(`json: cannot unmarshal ${what} into Go value of type ${goType}`);
}

function rethrow(error: unknown): never {
  throw new DecodeError(error instanceof Error ? error.message : String(error), { cause: error });
}

function textDecoder(canonicalize: (text: string) => string): ScalarDecoder {
  return (value) => {
    if (typeof value !== 'string') throw plainMismatch(value, 'string');
    try {
      return canonicalize(value);
    } catch (error) {
      return rethrow(error);
    }
  };
}

/** What Go writes for the zero time is `null`. */
const zeroTime = '0001-01-01T00:00:00Z';
const zeroMicroTime = '0001-01-01T00:00:00.000000Z';
const time = textDecoder(canonicalizeTime);
const microTime = textDecoder(canonicalizeMicroTime);

function decodeQuantity(value: unknown): unknown {
  try {
    if (typeof value === 'string' || typeof value === 'number') return canonicalizeQuantity(value);
    return canonicalizeQuantity(JSON.stringify(value));
  } catch (error) {
    return rethrow(error);
  }
}

function decodeIntOrString(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (
    typeof value !== 'number' ||
    !Number.isInteger(value) ||
    Math.abs(value) > maxInt32 + 1 ||
    value === maxInt32 + 1
  ) {
    throw plainMismatch(value, 'int32');
  }
  return value;
}

function isBase64(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 47 && code <= 57) || code === 43;
}

/** Index of the first byte that standard base64 does not allow, or -1 (`encoding/base64.CorruptInputError`). */
function corruptAt(text: string): number {
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  for (let i = 0; i < end; i++) if (!isBase64(text.charCodeAt(i))) return i;
  return text.length % 4 === 0 && end % 4 !== 1 ? -1 : end;
}

function bytesOfNumbers(value: readonly unknown[]): string {
  const numbers = value.map((n) => (n === null ? 0 : n));
  if (!numbers.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0 && n < 256)) throw mismatch;
  return Uint8Array.from(numbers as number[]).toBase64();
}

/** `[]byte`: standard base64 with padding; line breaks inside are dropped; a list of numbers is accepted as Go does. */
function decodeBytes(value: unknown): unknown {
  if (Array.isArray(value)) return bytesOfNumbers(value);
  if (typeof value !== 'string') throw mismatch;
  const text = value.includes('\n') || value.includes('\r') ? value.replace(/[\r\n]/g, '') : value;
  const at = corruptAt(text);
  if (at >= 0) throw new DecodeError(`illegal base64 data at input byte ${at}`);
  return text;
}

function stringDecoder(format: ScalarSchema['format']): ScalarDecoder {
  switch (format) {
    case 'byte':
      return decodeBytes;
    case 'date-time':
      return (value) => {
        const text = time(value);
        return text === zeroTime ? null : text;
      };
    case 'micro-time':
      return (value) => {
        const text = microTime(value);
        return text === zeroMicroTime ? null : text;
      };
    case 'duration':
      return textDecoder(canonicalizeDuration);
    case 'quantity':
      return decodeQuantity;
    case 'int-or-string':
      return decodeIntOrString;
    default:
      return decodeString;
  }
}

/** The decoder of a scalar. It is never given `null`. Throws {@link mismatch} or {@link DecodeError}. */
export function scalarDecoder(schema: ScalarSchema): ScalarDecoder {
  switch (schema.type) {
    case 'string':
      return stringDecoder(schema.format);
    case 'boolean':
      return decodeBoolean;
    case 'number':
      return decodeDouble;
    default:
      if (schema.format === 'int-or-string') return decodeIntOrString;
      return schema.format === 'int32' ? decodeInt32 : decodeInt64;
  }
}

/** What Go's encoder writes for the zero value of a scalar that is always written. */
export function scalarZero(schema: ScalarSchema): unknown {
  switch (schema.format) {
    case 'byte':
    case 'date-time':
    case 'micro-time':
      return null;
    case 'duration':
      return '0s';
    case 'quantity':
      return '0';
    case 'int-or-string':
      return 0;
    default:
      return schema.type === 'string' ? '' : schema.type === 'boolean' ? false : 0;
  }
}
