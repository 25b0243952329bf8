/** PersistentVolumes (`pkg/registry/core/persistentvolume/strategy.go`). */
import {
  persistentVolumeWarnings,
  validatePersistentVolume,
  validatePersistentVolumeUpdate,
} from '@kubets/api/core/validation/persistent-volume';
import type { PersistentVolume } from '@kubets/api/types/core-v1';
import { baseStrategy, keepStatus, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../../strategy.ts';
import { orderLike } from '../pod/struct-order.ts';

/** Notes when the phase changed, unless whoever changed it did. */
function stampPhase(context: StrategyContext, volume: PersistentVolume, old: Readonly<PersistentVolume>): void {
  const status = (volume.status ??= {});
  const before = old.status?.lastPhaseTransitionTime;
  const now = status.lastPhaseTransitionTime;
  if (status.phase === old.status?.phase) {
    if (now === undefined && before !== undefined) status.lastPhaseTransitionTime = before;
  } else if (now === undefined || now === before) status.lastPhaseTransitionTime = context.now;
  orderLike(status, 'core-v1.PersistentVolumeStatus');
}

export const persistentVolumeStrategy: Strategy<PersistentVolume> = baseStrategy<PersistentVolume>({
  resetFields: ['status'],
  prepareForCreate(context, volume) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: context.now };
  },
  prepareForUpdate: (_context, volume, old) => keepStatus(volume, old),
  validate: (_context, volume) => validatePersistentVolume(volume),
  validateUpdate: (context, volume, old) =>
    validatePersistentVolumeUpdate(volume, old, {
      mutableNodeAffinity: context.featureEnabled('MutablePVNodeAffinity'),
    }),
  warningsOnCreate: (_context, volume) => persistentVolumeWarnings(volume),
  warningsOnUpdate: (_context, volume) => persistentVolumeWarnings(volume),
  // `name` is a mistake of the past that upstream keeps for its users.
  selectableFields: ({ metadata }) => ({ name: metadata.name ?? '' }),
  selectableFieldNames: ['name'],
  subresources: { status: statusUpdateStrategy<PersistentVolume>({ prepareForUpdate: stampPhase }) },
});
