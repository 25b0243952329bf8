/** DaemonSets (`pkg/registry/apps/daemonset/strategy.go`). */
import {
  validateDaemonSet,
  validateDaemonSetStatusUpdate,
  validateDaemonSetUpdate,
} from '@kubets/api/apps/validation/daemon-set';
import type { DaemonSet } from '@kubets/api/types/apps-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import { semanticEqual } from '../generic/semantic-equal.ts';
import type { Strategy } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from './template-support.ts';

/** Where v1 keeps the count of template changes, which used to be a field of the spec. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

function templateGeneration({ metadata }: Readonly<DaemonSet>): number {
  const text = metadata.annotations?.[generationAnnotation] ?? '';
  return /^[0-9]+$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  const annotations = { ...metadata.annotations, [generationAnnotation]: String(generation) };
  metadata.annotations = Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export const daemonSetStrategy: Strategy<DaemonSet> = baseStrategy<DaemonSet>({
  status: zeroOf('apps-v1.DaemonSetStatus'),
  generation: true,
  prepareForCreate(context, object) {
    setTemplateGeneration(object, Math.max(1, templateGeneration(object)));
    dropDisabledTemplateFields(context, object.spec?.template);
  },
  validate: (context, object) => validateDaemonSet(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => templateWarnings(object.spec?.template),
  prepareForUpdate(context, object, old) {
    dropDisabledTemplateFields(context, object.spec?.template, old.spec?.template);
    const same = semanticEqual(object.spec?.template, old.spec?.template);
    setTemplateGeneration(object, templateGeneration(old) + (same ? 0 : 1));
  },
  validateUpdate: (context, object, old) =>
    validateDaemonSetUpdate(object, old, templateOptions(context, old.spec?.template)),
  warningsOnUpdate: (_context, object, old) => templateUpdateWarnings(object, old),
  subresources: {
    status: statusUpdateStrategy<DaemonSet>({
      validateUpdate: (_context, object, old) => validateDaemonSetStatusUpdate(object, old),
    }),
  },
});
