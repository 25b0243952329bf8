/** JSON text to values, with errors worded as Go's `encoding/json` words them. */
import { DecodeError } from '../schema/decode-error.ts';
import { jsonSyntaxError } from './json-syntax.ts';

/** Parses JSON. Throws {@link DecodeError}: `unexpected end of JSON input`, `invalid character 'x' looking for beginning of value`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DecodeError(jsonSyntaxError(text) ?? 'invalid JSON', { cause: error });
  }
}
