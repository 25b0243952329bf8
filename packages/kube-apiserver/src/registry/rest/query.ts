/** Query parameters, read as upstream's `ParameterCodec` reads them (`apimachinery/pkg/runtime/converter.go`). */
import { newBadRequest } from '@kubets/apimachinery/status';

/** Absent: `undefined`. Present: everything but `false` and `0` is true. */
export function boolParameter(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== '0' && value.toLowerCase() !== 'false';
}

/** A 64-bit integer; 400 for anything else. Absent or empty: `undefined`. */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (/^[+-]?[0-9]{1,18}$/.test(value)) return Number(value);
  const why = /^[+-]?[0-9]+$/.test(value) ? 'value out of range' : 'invalid syntax';
  throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
}

export function textParameter(query: URLSearchParams, name: string): string {
  return query.get(name) ?? '';
}
