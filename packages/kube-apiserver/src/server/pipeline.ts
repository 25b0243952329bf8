/** Filters put together, in the order of design.md section 4. */
import type { Filter, Next } from './types.ts';

/** The first filter is the outermost. */
export function compose(filters: readonly Filter[], handler: Next): Next {
  return filters.reduceRight<Next>((next, filter) => (request) => filter(request, next), handler);
}
