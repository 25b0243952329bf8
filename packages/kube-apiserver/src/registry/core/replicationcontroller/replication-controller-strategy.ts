/** ReplicationControllers (`pkg/registry/core/replicationcontroller/strategy.go`). */
import { validateReplicaCounts } from '@kubets/api/apps/validation/replica-set';
import { validateReplicationController } from '@kubets/api/core/validation/template-replication-controller';
import type { ReplicationController } from '@kubets/api/types/core-v1';
import { baseStrategy, statusUpdateStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';
import {
  dropDisabledTemplateFields,
  nameWarnings,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from '../../apps/template-support.ts';

export const replicationControllerStrategy: Strategy<ReplicationController> = baseStrategy<ReplicationController>({
  status: zeroOf('core-v1.ReplicationControllerStatus'),
  generation: true,
  defaultGarbageCollection: 'orphan',
  prepareForCreate: (context, object) => dropDisabledTemplateFields(context, object.spec?.template),
  validate: (context, object) => validateReplicationController(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => [
    ...nameWarnings(object.metadata.name),
    ...templateWarnings(object.spec?.template),
  ],
  prepareForUpdate: (context, object, old) =>
    dropDisabledTemplateFields(context, object.spec?.template, old.spec?.template),
  validateUpdate: (context, object, old) =>
    validateReplicationController(object, templateOptions(context, old.spec?.template)),
  warningsOnUpdate: (_context, object, old) => templateUpdateWarnings(object, old),
  selectableFields: ({ status }) => ({ 'status.replicas': String(status?.replicas ?? 0) }),
  selectableFieldNames: ['status.replicas'],
  subresources: {
    status: statusUpdateStrategy<ReplicationController>({
      validateUpdate: (_context, object) => validateReplicaCounts(object.status ?? { replicas: 0 }),
    }),
  },
});
