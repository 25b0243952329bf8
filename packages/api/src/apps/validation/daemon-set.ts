/** DaemonSets (`pkg/apis/apps/validation/validation.go`, `ValidateDaemonSet…`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from '../../generated/types/apps-v1.ts';
import type { Volume } from '../../generated/types/core-v1.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import {
  checkAtMost100Percent,
  checkCollisions,
  checkCounts,
  checkIntOrPercent,
  checkNotNegative,
  countOrPercent,
} from '../../core/validation/template-counts.ts';
import { checkImmutable, checkTemplateLabels, isEmptySelector } from '../../core/validation/template-selector.ts';
import { checkPodTemplate } from '../../core/validation/template.ts';

function checkRollingUpdate(
  errors: ErrorList,
  { maxUnavailable, maxSurge }: RollingUpdateDaemonSet,
  path: string,
): void {
  checkIntOrPercent(errors, maxUnavailable, `${path}.maxUnavailable`);
  checkIntOrPercent(errors, maxSurge, `${path}.maxSurge`);
  checkAtMost100Percent(errors, maxUnavailable, `${path}.maxUnavailable`);
  checkAtMost100Percent(errors, maxSurge, `${path}.maxSurge`);
  const [unavailable, surge] = [countOrPercent(maxUnavailable), countOrPercent(maxSurge)];
  if (unavailable !== 0 && surge !== 0) {
    errors.invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
  } else if (unavailable === 0 && surge === 0) {
    errors.required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
  }
}

function checkStrategy(errors: ErrorList, strategy: DaemonSetUpdateStrategy, path: string): void {
  const { type, rollingUpdate } = strategy;
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') errors.notSupported(path, strategy, ['RollingUpdate', 'OnDelete']);
  else if (rollingUpdate) checkRollingUpdate(errors, rollingUpdate, `${path}.rollingUpdate`);
  else errors.required(`${path}.rollingUpdate`);
}

const diskMessage =
  'must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only';

/** A daemon runs on many nodes, and a disk that is written to on one. */
function checkSharedDisks(errors: ErrorList, volumes: readonly Volume[], path: string): void {
  volumes.forEach(({ gcePersistentDisk: disk }, i) => {
    if (disk && !disk.readOnly) errors.invalid(`${path}[${i}].gcePersistentDisk.readOnly`, false, diskMessage);
  });
}

function usesWritableDisk(spec: DaemonSetSpec | undefined): boolean {
  return (spec?.template?.spec?.volumes ?? []).some(({ gcePersistentDisk: disk }) => disk && !disk.readOnly);
}

function checkSpec(
  errors: ErrorList,
  spec: DaemonSetSpec,
  { options, old }: { options: PodValidationOptions; old?: DaemonSetSpec },
): void {
  const { selector, template, minReadySeconds, revisionHistoryLimit } = spec;
  const allowInvalidValues = options.allowInvalidLabelValueInSelector;
  if (!selector) errors.required('spec.selector');
  else errors.add(validateLabelSelector(selector, Path.of('spec.selector'), { allowInvalidValues }));
  checkTemplateLabels(errors, { selector, template }, 'spec.template.metadata.labels');
  if (selector && isEmptySelector(selector)) {
    errors.invalid('spec.selector', selector, 'empty selector is invalid for daemonset');
  }
  checkPodTemplate(errors, template ?? {}, { path: 'spec.template', options });
  if (!usesWritableDisk(old)) checkSharedDisks(errors, template?.spec?.volumes ?? [], 'spec.template.spec.volumes');
  const { restartPolicy, activeDeadlineSeconds: deadline } = template?.spec ?? {};
  const at = 'spec.template.spec';
  if (restartPolicy !== 'Always') errors.notSupported(`${at}.restartPolicy`, restartPolicy ?? '', ['Always']);
  if (deadline !== undefined) {
    errors.invalid(`${at}.activeDeadlineSeconds`, deadline, 'activeDeadlineSeconds in DaemonSet is not Supported');
  }
  checkNotNegative(errors, minReadySeconds, 'spec.minReadySeconds');
  checkStrategy(errors, spec.updateStrategy ?? {}, 'spec.updateStrategy');
  checkNotNegative(errors, revisionHistoryLimit, 'spec.revisionHistoryLimit');
}

const emptySpec = {} as DaemonSetSpec;

export function validateDaemonSet(object: DaemonSet, options: PodValidationOptions): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, { options });
  return errors.errors;
}

export function validateDaemonSetUpdate(
  object: DaemonSet,
  old: Readonly<DaemonSet>,
  options: PodValidationOptions,
): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, object.spec ?? emptySpec, { options, old: old.spec });
  checkImmutable(errors, [object.spec?.selector, old.spec?.selector], 'spec.selector');
  return errors.errors;
}

export function validateDaemonSetStatusUpdate(object: DaemonSet, old: Readonly<DaemonSet>): FieldError[] {
  const errors = new ErrorList();
  const { conditions: _conditions, ...counts } = object.status ?? {};
  checkCounts(errors, counts, 'status');
  checkCollisions(errors, object.status?.collisionCount, old.status?.collisionCount);
  return errors.errors;
}
