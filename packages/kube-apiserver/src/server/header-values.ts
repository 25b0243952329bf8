/** Headers that may come several times. */
import type { ApiRequest } from './types.ts';

/**
 * Every value of a header (its name in lower case), as sent. Node joins repeated headers with ', ',
 * which a value may hold itself: a group named `a, system:masters` is one group.
 */
export function headerValues(request: Pick<ApiRequest, 'headers' | 'rawHeaders'>, name: string): string[] {
  const joined = request.headers[name];
  if (joined === undefined) return [];
  const { rawHeaders } = request;
  if (rawHeaders === undefined) return joined.split(', ');
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}
