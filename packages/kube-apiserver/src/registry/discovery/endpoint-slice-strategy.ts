/** EndpointSlices (`pkg/registry/discovery/endpointslice/strategy.go`). */
import {
  endpointSliceWarnings,
  validateEndpointSlice,
  validateEndpointSliceUpdate,
} from '@kubets/api/discovery/validation/endpoint-slice';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import { baseStrategy, bumpGenerationOnSpecChange } from '../generic/base-strategy.ts';
import { semanticEqual } from '../generic/semantic-equal.ts';
import type { Strategy } from '../strategy.ts';

const hostnameLabel = 'kubernetes.io/hostname';

const nodeOf = (topology: Readonly<Record<string, string>> | undefined): string => topology?.[hostnameLabel] ?? '';

/** The topology of v1beta1 goes when endpoints change; a node that was known by it only stays known. */
function dropTopology(slice: EndpointSlice, old?: Readonly<EndpointSlice>): void {
  if (old !== undefined && semanticEqual(old.endpoints, slice.endpoints)) return;
  const known = new Set((old?.endpoints ?? []).map(({ deprecatedTopology }) => nodeOf(deprecatedTopology)));
  for (const endpoint of slice.endpoints ?? []) {
    if (endpoint.deprecatedTopology === undefined) continue;
    const node = nodeOf(endpoint.deprecatedTopology);
    if (node !== '' && known.has(node)) endpoint.nodeName ??= node;
    delete endpoint.deprecatedTopology;
  }
}

export const endpointSliceStrategy: Strategy<EndpointSlice> = baseStrategy<EndpointSlice>({
  prepareForCreate(_context, slice) {
    slice.metadata.generation = 1;
    dropTopology(slice);
  },
  prepareForUpdate(_context, slice, old) {
    dropTopology(slice, old);
    bumpGenerationOnSpecChange(slice, old, ['addressType', 'endpoints', 'ports']);
  },
  validate: (_context, slice) => validateEndpointSlice(slice),
  validateUpdate: (_context, slice, old) => validateEndpointSliceUpdate(slice, old),
  warningsOnCreate: (_context, slice) => endpointSliceWarnings(slice),
  warningsOnUpdate: (_context, slice) => endpointSliceWarnings(slice),
});
