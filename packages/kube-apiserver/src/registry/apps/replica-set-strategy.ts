/** ReplicaSets (`pkg/registry/apps/replicaset/strategy.go`). */
import {
  validateReplicaSet,
  validateReplicaSetStatusUpdate,
  validateReplicaSetUpdate,
} from '@kubets/api/apps/validation/replica-set';
import type { ReplicaSet } from '@kubets/api/types/apps-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  nameWarnings,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from './template-support.ts';

/** The count of pods that are going away is behind a gate. */
function dropTerminating(context: StrategyContext, object: ReplicaSet, old: Readonly<ReplicaSet>): void {
  const used = old.status?.terminatingReplicas !== undefined;
  if (used || context.featureEnabled('DeploymentReplicaSetTerminatingReplicas')) return;
  delete object.status?.terminatingReplicas;
}

export const replicaSetStrategy: Strategy<ReplicaSet> = baseStrategy<ReplicaSet>({
  status: zeroOf('apps-v1.ReplicaSetStatus'),
  generation: true,
  prepareForCreate: (context, object) => dropDisabledTemplateFields(context, object.spec?.template),
  validate: (context, object) => validateReplicaSet(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => [
    ...nameWarnings(object.metadata.name),
    ...templateWarnings(object.spec?.template),
  ],
  prepareForUpdate: (context, object, old) =>
    dropDisabledTemplateFields(context, object.spec?.template, old.spec?.template),
  validateUpdate: (context, object, old) =>
    validateReplicaSetUpdate(object, old, templateOptions(context, old.spec?.template)),
  warningsOnUpdate: (_context, object, old) => templateUpdateWarnings(object, old),
  selectableFields: ({ status }) => ({ 'status.replicas': String(status?.replicas ?? 0) }),
  selectableFieldNames: ['status.replicas'],
  subresources: {
    status: statusUpdateStrategy<ReplicaSet>({
      prepareForUpdate: dropTerminating,
      validateUpdate: (_context, object) => validateReplicaSetStatusUpdate(object),
    }),
  },
});
