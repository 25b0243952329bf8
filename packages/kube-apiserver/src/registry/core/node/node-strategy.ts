/** Nodes (`pkg/registry/core/node/strategy.go`; `podCIDR`: `pkg/apis/core/v1/conversion.go`). */
import { nodeWarnings, validateNode, validateNodeUpdate } from '@kubets/api/core/validation/node';
import type { Node } from '@kubets/api/types/core-v1';
import { baseStrategy, keepStatus, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { orderLike } from '../pod/struct-order.ts';

/** `podCIDR` is the first of `podCIDRs`; a client that knows only the old field wins over a stale list. */
function alignPodCIDRs({ spec }: Node): void {
  if (spec === undefined) return;
  const { podCIDR = '', podCIDRs = [] } = spec;
  if (podCIDR !== '' && podCIDR !== podCIDRs[0]) spec.podCIDRs = [podCIDR];
  const first = spec.podCIDRs?.[0];
  if (first !== undefined && first !== '') spec.podCIDR = first;
  orderLike(spec, 'core-v1.NodeSpec');
}

function dropDisabledFields(context: StrategyContext, { status }: Node, old?: Readonly<Node>): void {
  if (status === undefined || context.featureEnabled('NodeDeclaredFeatures')) return;
  if (!old?.status?.declaredFeatures) delete status.declaredFeatures;
}

const strict = (context: StrategyContext): { strictCIDR: boolean } => ({
  strictCIDR: context.featureEnabled('StrictIPCIDRValidation'),
});

export const nodeStrategy: Strategy<Node> = baseStrategy<Node>({
  resetFields: ['status'],
  // Nodes may be created with a status.
  prepareForCreate(context, node) {
    alignPodCIDRs(node);
    dropDisabledFields(context, node);
  },
  prepareForUpdate(_context, node, old) {
    alignPodCIDRs(node);
    keepStatus(node, old);
  },
  validate: (context, node) => validateNode(node, strict(context)),
  validateUpdate: (context, node, old) => [...validateNode(node, strict(context)), ...validateNodeUpdate(node, old)],
  warningsOnCreate: (_context, node) => nodeWarnings(node),
  warningsOnUpdate: (_context, node) => nodeWarnings(node),
  selectableFields: ({ spec }) => ({ 'spec.unschedulable': spec?.unschedulable ? 'true' : 'false' }),
  selectableFieldNames: ['spec.unschedulable'],
  subresources: {
    status: statusUpdateStrategy<Node>({
      prepareForUpdate: dropDisabledFields,
      validateUpdate: (_context, node, old) => validateNodeUpdate(node, old),
      warningsOnUpdate: (_context, node) => nodeWarnings(node),
    }),
  },
});
