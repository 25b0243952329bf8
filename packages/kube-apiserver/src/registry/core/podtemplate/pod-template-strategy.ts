/** PodTemplates (`pkg/registry/core/podtemplate/strategy.go`). */
import { validatePodTemplate } from '@kubets/api/core/validation/template';
import type { PodTemplate } from '@kubets/api/types/core-v1';
import { semanticEqual } from '../../generic/semantic-equal.ts';
import { baseStrategy, bumpGenerationOnSpecChange } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';
import { dropDisabledTemplateFields, templateOptions, templateWarnings } from '../../apps/template-support.ts';

export const podTemplateStrategy: Strategy<PodTemplate> = baseStrategy<PodTemplate>({
  prepareForCreate(context, object) {
    object.metadata.generation = 1;
    dropDisabledTemplateFields(context, object.template);
  },
  validate: (context, object) => validatePodTemplate(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => templateWarnings(object.template, 'template'),
  prepareForUpdate(context, object, old) {
    dropDisabledTemplateFields(context, object.template, old.template);
    bumpGenerationOnSpecChange(object, old, ['template']);
  },
  validateUpdate: (context, object, old) => validatePodTemplate(object, templateOptions(context, old.template)),
  warningsOnUpdate: (_context, object, old) =>
    semanticEqual(object.template, old.template) ? [] : templateWarnings(object.template, 'template'),
});
