/** What the strategies of kinds with a pod template share (`pkg/registry/apps/<resource>/strategy.go`). */
import { dropDisabledPodFields } from '@kubets/api/core/validation/pod-disabled-fields';
import { podValidationOptions, type PodValidationOptions } from '@kubets/api/core/validation/pod-options';
import { podWarnings } from '@kubets/api/core/validation/pod-warnings';
import { schemaOf } from '@kubets/api/schema-table';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import { isDNS1123Label } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { StrategyContext } from '../strategy.ts';

type Template = PodTemplateSpec | undefined;

export const gatesOf = (context: StrategyContext) => (gate: string) => context.featureEnabled(gate);

/** Options for a template that replaces `old`. */
export function templateOptions(context: StrategyContext, old?: Readonly<PodTemplateSpec>): PodValidationOptions {
  return podValidationOptions(gatesOf(context), old, false);
}

export function dropDisabledTemplateFields(
  context: StrategyContext,
  template: Template,
  old?: Readonly<PodTemplateSpec>,
): void {
  dropDisabledPodFields(template?.spec, old?.spec, gatesOf(context));
}

/** Names of pods and hosts are made of the object's. */
export function nameWarnings(name: string | undefined): string[] {
  const wrong = isDNS1123Label(name ?? '');
  if (wrong.length === 0) return [];
  const risk = 'this is used in Pod names and hostnames, which can result in surprising behavior';
  return [`metadata.name: ${risk}; a DNS label is recommended: [${wrong.join(' ')}]`];
}

/** Warnings about a new template. */
export function templateWarnings(template: Template, path = 'spec.template'): string[] {
  return template === undefined ? [] : podWarnings(template, path);
}

interface Templated {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly template?: PodTemplateSpec };
}

/** On update: only when the template has changed, since whoever made it has been warned. */
export function templateUpdateWarnings(object: Templated, old: Readonly<Templated>): string[] {
  const template = object.spec?.template;
  return semanticEqual(template, old.spec?.template) ? [] : templateWarnings(template);
}

const zeros: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false };

/** What Go writes for the zero value of a struct (`apps-v1.ReplicaSetStatus` → `{ replicas: 0 }`). */
export function zeroOf(type: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { name, schema, always } of schemaOf(type).fields) {
    if (always) result[name] = schema.kind === 'scalar' ? zeros[schema.type] : null;
  }
  return result;
}
