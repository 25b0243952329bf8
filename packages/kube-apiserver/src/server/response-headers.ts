/** Headers that every answer of the pipeline has. */
import type { HeaderList } from './response-sink.ts';
import type { ApiRequest } from './types.ts';

/**
 * A quoted string of RFC 7230: control characters cannot be in a header, and what is not ASCII is
 * left out by upstream's `warning.NewWarningHeader` check too, so both become spaces here.
 */
function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what must not pass
  return `"${text.replaceAll(/[\u0000-\u001f\u007f-\uffff]/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;
}

const maxWarningsLength = 4096;

/** `Warning: 299 - "text"` lines; together bounded, as `filters/warning.go` bounds them. */
function addWarnings(warnings: readonly string[], headers: HeaderList): void {
  let total = 0;
  for (const text of warnings) {
    const value = `299 - ${quote(text)}`;
    total += value.length;
    if (total > maxWarningsLength) return;
    headers.push('warning', value);
  }
}

export function headersFor(request: ApiRequest, contentType: string): HeaderList {
  const headers = ['audit-id', request.id, 'cache-control', 'no-cache, private', 'content-type', contentType];
  if (request.warnings.length > 0) addWarnings(request.warnings, headers);
  const added = request.responseHeaders;
  for (const name in added) headers.push(name, added[name] as string);
  return headers;
}

/** Replaces the header when it is there. */
export function setHeader(headers: HeaderList, name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    headers[i + 1] = value;
    return;
  }
  headers.push(name, value);
}
