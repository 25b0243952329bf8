/** Flow schemas and priority levels (`pkg/registry/flowcontrol/{flowschema,prioritylevelconfiguration}/strategy.go`). */
import { validateFlowSchema, validateFlowSchemaStatus } from '@kubets/api/flowcontrol/validation/flow-schema';
import { validatePriorityLevel, validatePriorityLevelStatus } from '@kubets/api/flowcontrol/validation/priority-level';
import type { FlowSchema, PriorityLevelConfiguration } from '@kubets/api/types/flowcontrol-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

export const flowSchemaStrategy: Strategy<FlowSchema> = baseStrategy<FlowSchema>({
  status: {},
  generation: true,
  allowUnconditionalUpdate: false,
  validate: (_context, object) => validateFlowSchema(object),
  validateUpdate: (_context, object) => validateFlowSchema(object),
  subresources: {
    status: statusUpdateStrategy<FlowSchema>({
      keepMetadata: true,
      validateUpdate: (_context, object) => validateFlowSchemaStatus(object),
    }),
  },
});

export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = baseStrategy<PriorityLevelConfiguration>({
  status: {},
  generation: true,
  allowUnconditionalUpdate: false,
  validate: (_context, object) => validatePriorityLevel(object),
  validateUpdate: (_context, object) => validatePriorityLevel(object),
  subresources: {
    status: statusUpdateStrategy<PriorityLevelConfiguration>({
      keepMetadata: true,
      validateUpdate: (_context, object) => validatePriorityLevelStatus(object),
    }),
  },
});
