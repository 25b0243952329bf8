/**
 * CustomResourceDefinitions (`apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go`).
 *
 * Definitions are stored and nothing more: custom resources are not served yet. The conditions
 * `NamesAccepted` and `Established` are the business of a controller that is not there, so that a definition
 * has none, and clients that wait for it to be established see that it is not.
 */
import {
  validateCustomResourceDefinition,
  validateCustomResourceDefinitionStatus,
} from '@kubets/api/apiextensions/validation/custom-resource-definition';
import { unknownFormats } from '@kubets/api/apiextensions/validation/schema-formats';
import type { CustomResourceDefinition } from '@kubets/api/types/apiextensions-v1';
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

type Crd = CustomResourceDefinition;

/** Objects will be stored in the storage version from now on. */
function addStoredVersion(crd: Crd): void {
  const storage = (crd.spec.versions ?? []).find((version) => version.storage)?.name;
  const stored = crd.status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return;
  // The status may be the stored one, which is shared.
  crd.status = { ...crd.status, storedVersions: [...stored, storage] };
}

const warning = (format: string): string => `unrecognized format ${JSON.stringify(format)}`;

export const customResourceDefinitionStrategy: Strategy<Crd> = baseStrategy<Crd>({
  status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null },
  generation: true,
  allowUnconditionalUpdate: false,
  validateName: validatePathSegmentName,
  prepareForCreate: (_context, crd) => addStoredVersion(crd),
  prepareForUpdate: (_context, crd) => addStoredVersion(crd),
  validate: (_context, crd) => validateCustomResourceDefinition(crd),
  validateUpdate: (_context, crd, old) => validateCustomResourceDefinition(crd, old),
  warningsOnCreate: (_context, crd) => unknownFormats(crd).map(warning),
  warningsOnUpdate: (_context, crd, old) => {
    const before = new Set(unknownFormats(old));
    return unknownFormats(crd)
      .filter((format) => !before.has(format))
      .map(warning);
  },
  subresources: {
    status: statusUpdateStrategy<Crd>({
      // Upstream means to keep the old metadata, and copies the new one onto itself.
      resetFields: ['metadata', 'spec'],
      validateUpdate: (_context, crd) => validateCustomResourceDefinitionStatus(crd),
    }),
  },
});
