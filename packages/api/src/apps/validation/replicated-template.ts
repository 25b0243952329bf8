/** Templates of pods that run for good (`pkg/apis/apps/validation/validation.go`, `ValidatePodTemplateSpecForReplicaSet`). */
import type { LabelSelector } from '../../generated/types/meta-v1.ts';
import type { PodTemplateSpec } from '../../generated/types/core-v1.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { PodValidationOptions } from '../../core/validation/pod-options.ts';
import { checkTemplateLabels } from '../../core/validation/template-selector.ts';
import { checkPodTemplate } from '../../core/validation/template.ts';

export interface ReplicatedTemplate {
  readonly selector: LabelSelector | undefined;
  readonly template: PodTemplateSpec | undefined;
}

/** The template of a Deployment or ReplicaSet; `path` is `spec.template`. */
export function checkReplicatedTemplate(
  errors: ErrorList,
  { selector, template }: ReplicatedTemplate,
  { path, options, kind }: { path: string; options: PodValidationOptions; kind: string },
): void {
  if (!template) return errors.required(path);
  checkTemplateLabels(errors, { selector, template }, `${path}.metadata.labels`);
  checkPodTemplate(errors, template, { path, options });
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') errors.notSupported(`${path}.spec.restartPolicy`, restartPolicy ?? '', ['Always']);
  if (activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.forbidden(`${path}.spec.activeDeadlineSeconds`, detail);
  }
}
