/** Deployments (`pkg/registry/apps/deployment/strategy.go`). */
import {
  validateDeployment,
  validateDeploymentStatusUpdate,
  validateDeploymentUpdate,
} from '@kubets/api/apps/validation/deployment';
import type { Deployment } from '@kubets/api/types/apps-v1';
import { baseStrategy, bumpGenerationOnSpecChange, statusUpdateStrategy } from '../generic/base-strategy.ts';
import { semanticEqual } from '../generic/semantic-equal.ts';
import type { Strategy } from '../strategy.ts';
import {
  dropDisabledTemplateFields,
  nameWarnings,
  templateOptions,
  templateUpdateWarnings,
  templateWarnings,
  zeroOf,
} from './template-support.ts';

export const deploymentStrategy: Strategy<Deployment> = baseStrategy<Deployment>({
  status: zeroOf('apps-v1.DeploymentStatus'),
  prepareForCreate(context, object) {
    object.metadata.generation = 1;
    dropDisabledTemplateFields(context, object.spec?.template);
  },
  validate: (context, object) => validateDeployment(object, templateOptions(context)),
  warningsOnCreate: (_context, object) => [
    ...nameWarnings(object.metadata.name),
    ...templateWarnings(object.spec?.template),
  ],
  prepareForUpdate(context, object, old) {
    dropDisabledTemplateFields(context, object.spec?.template, old.spec?.template);
    bumpGenerationOnSpecChange(object, old);
    // Annotations go on to the ReplicaSets: a change of theirs is work for the controller too.
    const generation = old.metadata.generation ?? 0;
    if (!semanticEqual(object.metadata.annotations, old.metadata.annotations))
      object.metadata.generation = generation + 1;
  },
  validateUpdate: (context, object, old) =>
    validateDeploymentUpdate(object, old, templateOptions(context, old.spec?.template)),
  warningsOnUpdate: (_context, object, old) => templateUpdateWarnings(object, old),
  subresources: {
    status: statusUpdateStrategy<Deployment>({
      prepareForUpdate(_context, object, old) {
        if (old.metadata.labels === undefined) delete object.metadata.labels;
        else object.metadata.labels = old.metadata.labels;
      },
      validateUpdate: (_context, object, old) => validateDeploymentStatusUpdate(object, old),
      resetFields: ['spec', 'metadata.labels'],
    }),
  },
});
