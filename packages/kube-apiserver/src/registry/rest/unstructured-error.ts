/**
 * Type errors of strategic merge patches. Upstream converts their result without JSON
 * (`apimachinery/pkg/runtime/converter.go`, `fromUnstructured`) and words errors differently.
 */

const jsonError = /^json: cannot unmarshal (\w+)(?: (\S+))? into Go struct field \S+ of type (.+)$/;

const kinds: Readonly<Record<string, string>> = { object: 'map', array: 'slice' };

function kindOf(what: string, literal: string | undefined): string {
  if (what !== 'number') return kinds[what] ?? what;
  return literal !== undefined && /[.eE]/.test(literal) ? 'float64' : 'int64';
}

/** The decoder's message in the converter's words; messages of types that decode themselves stay as they are. */
export function unstructuredErrorText(why: string): string {
  const [, what = '', literal, type = ''] = jsonError.exec(why) ?? [];
  if (what === '') return why;
  const kind = kindOf(what, literal);
  if (type.startsWith('[]')) return `cannot restore slice from ${kind}`;
  if (type.startsWith('map[')) return `cannot restore map from ${kind}`;
  if (type.includes('.')) return `cannot restore struct from: ${kind}`;
  if (kind === 'int64' && /^u?int/.test(type)) return why;
  const convertible = type === 'string' ? kind === 'int64' : kind === 'float64' && type !== 'bool';
  return convertible ? `cannot convert ${kind} to ${type}` : `unrecognized type: ${type}`;
}
