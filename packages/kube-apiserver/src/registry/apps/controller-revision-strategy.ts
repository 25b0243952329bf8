/** ControllerRevisions (`pkg/registry/apps/controllerrevision/strategy.go`). */
import {
  validateControllerRevision,
  validateControllerRevisionUpdate,
} from '@kubets/api/apps/validation/controller-revision';
import type { ControllerRevision } from '@kubets/api/types/apps-v1';
import { baseStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

export const controllerRevisionStrategy: Strategy<ControllerRevision> = baseStrategy<ControllerRevision>({
  validate: (_context, object) => validateControllerRevision(object),
  validateUpdate: (_context, object, old) => validateControllerRevisionUpdate(object, old),
});
