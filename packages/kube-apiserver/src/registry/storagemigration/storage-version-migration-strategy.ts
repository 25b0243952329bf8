/** StorageVersionMigrations (`pkg/registry/storagemigration/storagemigration/strategy.go`). */
import {
  validateStorageVersionMigration,
  validateStorageVersionMigrationStatus,
  validateStorageVersionMigrationUpdate,
} from '@kubets/api/storagemigration/validation/storage-version-migration';
import type { StorageVersionMigration } from '@kubets/api/types/storagemigration-v1beta1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

export const storageVersionMigrationStrategy: Strategy<StorageVersionMigration> = baseStrategy<StorageVersionMigration>(
  {
    status: {},
    allowUnconditionalUpdate: false,
    validate: (_context, object) => validateStorageVersionMigration(object),
    validateUpdate: (_context, object, old) => validateStorageVersionMigrationUpdate(object, old),
    subresources: {
      status: statusUpdateStrategy<StorageVersionMigration>({
        keepMetadata: true,
        validateUpdate: (_context, object, old) => validateStorageVersionMigrationStatus(object, old),
      }),
    },
  },
);
