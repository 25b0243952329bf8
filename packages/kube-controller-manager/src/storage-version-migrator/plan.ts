/** How far a migration has come (`pkg/controller/storageversionmigrator/util.go`). Pure. */
import type { Condition } from '@kubets/api/types/meta-v1';
import type {
  StorageVersionMigration,
  StorageVersionMigrationStatus,
} from '@kubets/api/types/storagemigration-v1beta1';

export type MigrationState = 'Running' | 'Succeeded' | 'Failed';

const reasons: Readonly<Record<MigrationState, string>> = {
  Running: 'StorageVersionMigrationInProgress',
  Succeeded: 'StorageVersionMigrationSucceeded',
  Failed: 'StorageVersionMigrationFailed',
};

const isTrue = ({ status }: Readonly<StorageVersionMigration>, type: MigrationState): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;

/** It has ended, one way or the other. */
export const isOver = (migration: Readonly<StorageVersionMigration>): boolean =>
  isTrue(migration, 'Succeeded') || isTrue(migration, 'Failed');

/** The status with the new state; one that has ended runs no more. */
export function migrationStatus(
  migration: Readonly<StorageVersionMigration>,
  state: MigrationState,
  said: { readonly now: string; readonly message?: string; readonly resourceVersion?: string },
): StorageVersionMigrationStatus {
  const condition: Condition = {
    type: state,
    status: 'True',
    lastTransitionTime: said.now,
    reason: reasons[state],
    message: said.message ?? '',
  };
  const others = (migration.status?.conditions ?? []).filter(({ type }) => type !== state);
  const ended = others.map((other): Condition =>
    other.type === 'Running' && state !== 'Running'
      ? { ...other, status: 'False', lastTransitionTime: said.now, reason: reasons[state] }
      : other,
  );
  const resourceVersion = said.resourceVersion ?? migration.status?.resourceVersion;
  return {
    conditions: [...ended, condition],
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
