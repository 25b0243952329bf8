/** StatefulSets (`pkg/registry/apps/statefulset/strategy.go`). */
import {
  validateStatefulSet,
  validateStatefulSetStatusUpdate,
  validateStatefulSetUpdate,
} from '@kubets/api/apps/validation/stateful-set';
import { claimSpecWarnings } from '@kubets/api/core/validation/pod-volume-warnings';
import type { StatefulSet } from '@kubets/api/types/apps-v1';
import type { PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { nameIsDNSLabel } from '@kubets/apimachinery/names';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from './template-support.ts';

function dropDisabled(context: StrategyContext, object: StatefulSet, old?: Readonly<StatefulSet>): void {
  dropDisabledTemplateFields(context, object.spec?.template, old?.spec?.template);
  const used = old?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined;
  if (used || context.featureEnabled('MaxUnavailableStatefulSet')) return;
  delete object.spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
}

/**
 * Claim templates say of what kind they are, whatever was sent
 * (`pkg/apis/apps/v1/conversion.go`, `Convert_apps_StatefulSetSpec_To_v1_StatefulSetSpec`).
 */
function withClaimKinds<T extends Readonly<StatefulSet>>(object: T): T {
  const templates = object.spec?.volumeClaimTemplates;
  if (object.spec === undefined || templates === undefined) return object;
  const volumeClaimTemplates = templates.map(({ kind: _, apiVersion: __, ...claim }): PersistentVolumeClaim => {
    return { kind: 'PersistentVolumeClaim', apiVersion: 'v1', ...claim };
  });
  return { ...object, spec: { ...object.spec, volumeClaimTemplates } };
}

function prepare(context: StrategyContext, object: StatefulSet, old?: Readonly<StatefulSet>): void {
  dropDisabled(context, object, old);
  const { spec } = withClaimKinds(object);
  if (spec !== undefined) object.spec = spec;
}

function specWarnings({ spec }: StatefulSet): string[] {
  const found = (spec?.volumeClaimTemplates ?? []).flatMap((claim, i) =>
    claimSpecWarnings(claim.spec, `spec.volumeClaimTemplates[${i}].Spec`),
  );
  if ((spec?.revisionHistoryLimit ?? 0) >= 0) return found;
  const advice = 'a negative value retains all historical revisions; a value >= 0 is recommended';
  return [...found, `spec.revisionHistoryLimit: ${advice}`];
}

export const statefulSetStrategy: Strategy<StatefulSet> = baseStrategy<StatefulSet>({
  status: zeroOf('apps-v1.StatefulSetStatus'),
  generation: true,
  validateName: nameIsDNSLabel,
  prepareForCreate: (context, object) => prepare(context, object),
  validate: (context, object) => validateStatefulSet(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => [...templateWarnings(object.spec?.template), ...specWarnings(object)],
  prepareForUpdate: (context, object, old) => prepare(context, object, old),
  validateUpdate: (context, object, old) =>
    // What was stored before may lack the kinds.
    validateStatefulSetUpdate(object, withClaimKinds(old), templateOptions(context, old.spec?.template)),
  warningsOnUpdate: (_context, object, old) => [...templateUpdateWarnings(object, old), ...specWarnings(object)],
  subresources: {
    status: statusUpdateStrategy<StatefulSet>({
      validateUpdate: (_context, object, old) => validateStatefulSetStatusUpdate(object, old),
    }),
  },
});
