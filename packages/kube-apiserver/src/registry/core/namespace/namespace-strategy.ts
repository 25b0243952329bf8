/** Namespaces (`pkg/registry/core/namespace/strategy.go`); their deletion is in `generic/namespace-deletion.ts`. */
import {
  validateNamespace,
  validateNamespaceFinalizeUpdate,
  validateNamespaceStatusUpdate,
} from '@kubets/api/core/validation/namespace';
import type { Namespace } from '@kubets/api/types/core-v1';
import { validateNamespaceName } from '@kubets/apimachinery/names';
import { baseStrategy, keepStatus, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { orderLike } from '../pod/struct-order.ts';

const nameLabel = 'kubernetes.io/metadata.name';

/** Selectors can find a namespace by name, because of this label. */
function labelWithName({ metadata }: Namespace): void {
  if (metadata.labels?.[nameLabel] === metadata.name) return;
  const labels = { ...metadata.labels, [nameLabel]: metadata.name ?? '' };
  metadata.labels = Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function prepareForCreate(_context: StrategyContext, namespace: Namespace): void {
  namespace.status = { phase: 'Active' };
  const finalizers = namespace.spec?.finalizers ?? [];
  if (!finalizers.includes('kubernetes')) namespace.spec = { finalizers: [...finalizers, 'kubernetes'] };
  orderLike(namespace, 'core-v1.Namespace');
  labelWithName(namespace);
}

function keepSpec(namespace: Namespace, old: Readonly<Namespace>): void {
  if (old.spec === undefined) delete namespace.spec;
  else namespace.spec = old.spec;
  orderLike(namespace, 'core-v1.Namespace');
}

export const namespaceStrategy: Strategy<Namespace> = baseStrategy<Namespace>({
  validateName: validateNamespaceName,
  resetFields: ['status'],
  prepareForCreate,
  prepareForUpdate(_context, namespace, old) {
    keepSpec(namespace, old);
    keepStatus(namespace, old);
    labelWithName(namespace);
  },
  validate: (_context, namespace) => validateNamespace(namespace),
  validateUpdate: () => [],
  // `name` is a mistake of the past that upstream keeps for its users.
  selectableFields: ({ metadata, status }) => ({ 'status.phase': status?.phase ?? '', name: metadata.name ?? '' }),
  selectableFieldNames: ['status.phase', 'name'],
  subresources: {
    status: statusUpdateStrategy<Namespace>({
      validateUpdate: (_context, namespace) => validateNamespaceStatusUpdate(namespace),
    }),
    finalize: statusUpdateStrategy<Namespace>({
      takes: ['spec'],
      resetFields: ['status'],
      validateUpdate: (_context, namespace) => validateNamespaceFinalizeUpdate(namespace),
    }),
  },
});
