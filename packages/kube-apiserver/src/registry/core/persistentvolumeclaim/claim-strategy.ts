/** PersistentVolumeClaims (`pkg/registry/core/persistentvolumeclaim/strategy.go`, `pkg/api/persistentvolumeclaim/util.go`). */
import {
  claimWarnings,
  validateClaim,
  validateClaimStatusUpdate,
  validateClaimUpdate,
} from '@kubets/api/core/validation/persistent-volume-claim';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '@kubets/api/types/core-v1';
import { baseStrategy, keepStatus, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { orderLike } from '../pod/struct-order.ts';

type Source = NonNullable<PersistentVolumeClaimSpec['dataSource']>;

const isKnownSource = ({ apiGroup = '', kind }: Source): boolean =>
  (apiGroup === '' && kind === 'PersistentVolumeClaim') ||
  (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot');

/** `dataSource` and `dataSourceRef` say the same; the old field holds what it could in the beginning only. */
function normalizeDataSources(
  context: StrategyContext,
  spec: PersistentVolumeClaimSpec,
  old?: PersistentVolumeClaimSpec,
): void {
  const namespaced = (s: PersistentVolumeClaimSpec | undefined): boolean => Boolean(s?.dataSourceRef?.namespace);
  if (namespaced(spec) && !namespaced(old) && !context.featureEnabled('CrossNamespaceVolumeDataSource')) {
    delete spec.dataSourceRef;
  }
  const inUse = old?.dataSource !== undefined || old?.dataSourceRef !== undefined;
  if (!inUse && spec.dataSource && !isKnownSource(spec.dataSource)) delete spec.dataSource;
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { namespace: _, ...source } = spec.dataSourceRef;
    spec.dataSource = source;
  }
  orderLike(spec, 'core-v1.PersistentVolumeClaimSpec');
}

export const claimStrategy: Strategy<PersistentVolumeClaim> = baseStrategy<PersistentVolumeClaim>({
  resetFields: ['status'],
  prepareForCreate(context, claim) {
    claim.status = { phase: 'Pending' };
    if (claim.spec) normalizeDataSources(context, claim.spec);
  },
  prepareForUpdate(context, claim, old) {
    keepStatus(claim, old);
    if (claim.spec) normalizeDataSources(context, claim.spec, old.spec);
  },
  validate: (_context, claim) => validateClaim(claim),
  validateUpdate: (context, claim, old) =>
    validateClaimUpdate(claim, old, {
      recoverExpansion: context.featureEnabled('RecoverVolumeExpansionFailure'),
      volumeAttributesClass: context.featureEnabled('VolumeAttributesClass'),
    }),
  warningsOnCreate: (_context, claim) => claimWarnings(claim),
  warningsOnUpdate: (_context, claim) => claimWarnings(claim),
  // `name` is a mistake of the past that upstream keeps for its users.
  selectableFields: ({ metadata }) => ({ name: metadata.name ?? '' }),
  selectableFieldNames: ['name'],
  subresources: {
    status: statusUpdateStrategy<PersistentVolumeClaim>({
      validateUpdate: (_context, claim) => validateClaimStatusUpdate(claim),
    }),
  },
});
