/** What is asked of the schemas of a definition (`validateCustomResourceDefinitionValidation`, `requireStructuralSchema` and its neighbours). */
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../generated/types/apiextensions-v1.ts';
import { checkJsonSchema, hasUnknownType, type SchemaRules } from './json-schema.ts';
import { checkListType } from './list-type.ts';
import { hasUnprunedDefault, validateDefaults } from './schema-defaults.ts';
import { asSchema, someSchema, type Schema } from './schema-parts.ts';
import { validateStructural } from './structural.ts';

export interface CrdRules extends SchemaRules {
  readonly requireSchema: boolean;
  readonly requireKnownReview: boolean;
  readonly prunedDefaults: boolean;
}

export const strictRules: CrdRules = {
  requireSchema: true,
  requireKnownReview: true,
  validTypes: true,
  prunedDefaults: true,
  atomicSets: true,
  mapKeys: true,
};

/** Of every version; `undefined` where there is none. */
export function schemasOf(spec: CustomResourceDefinitionSpec): readonly (Schema | undefined)[] {
  return (spec.versions ?? []).map((version) => asSchema(version.schema?.openAPIV3Schema));
}

function breaks(schema: Schema, rule: 'atomicSets' | 'mapKeys'): boolean {
  const count = (on: boolean): number => {
    const errors = new ErrorList();
    checkListType(errors, schema, { path: '', atomicSets: false, mapKeys: false, [rule]: on });
    return errors.length;
  };
  return count(true) > count(false);
}

/** Nothing is asked that what is stored does not already keep. */
export function rulesOfUpdate(old: readonly (Schema | undefined)[], requireKnownReview: boolean): CrdRules {
  const none = (predicate: (schema: Schema) => boolean): boolean =>
    !old.some((schema) => someSchema(schema, predicate));
  return {
    requireSchema: old.every((schema) => schema !== undefined),
    requireKnownReview,
    validTypes: none(hasUnknownType),
    prunedDefaults: none(hasUnprunedDefault),
    atomicSets: none((schema) => breaks(schema, 'atomicSets')),
    mapKeys: none((schema) => breaks(schema, 'mapKeys')),
  };
}

/** Fields of the root that stay when the schema of the status is taken out of it; upstream names Go's fields. */
const allowedAtRoot: readonly (readonly [field: keyof Schema, name: string])[] = [
  ['description', 'Description'],
  ['type', 'Type'],
  ['format', 'Format'],
  ['title', 'Title'],
  ['maximum', 'Maximum'],
  ['exclusiveMaximum', 'ExclusiveMaximum'],
  ['minimum', 'Minimum'],
  ['exclusiveMinimum', 'ExclusiveMinimum'],
  ['maxLength', 'MaxLength'],
  ['minLength', 'MinLength'],
  ['pattern', 'Pattern'],
  ['maxItems', 'MaxItems'],
  ['minItems', 'MinItems'],
  ['uniqueItems', 'UniqueItems'],
  ['multipleOf', 'MultipleOf'],
  ['required', 'Required'],
  ['items', 'Items'],
  ['properties', 'Properties'],
  ['externalDocs', 'ExternalDocs'],
  ['example', 'Example'],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields'],
  ['x-kubernetes-validations', 'XValidations'],
];
const allowedNames = new Set<string>(allowedAtRoot.map(([field]) => field));

function checkRoot(errors: ErrorList, schema: Schema, path: string): void {
  const type = schema.type ?? '';
  if (type !== '' && type !== 'object') {
    const rule = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.invalid(`${path}.type`, type, rule);
  } else if (Object.keys(schema).some((field) => !allowedNames.has(field))) {
    const list = allowedAtRoot.map(([, name]) => name).join(' ');
    const rule = 'fields are allowed at the root of the schema if the status subresource is enabled';
    errors.invalid(path, schema, `only [${list}] ${rule}`);
  }
}

/** The schema of one version: known words, structural, with fitting defaults. */
export function checkVersionSchema(
  errors: ErrorList,
  version: CustomResourceDefinitionVersion,
  path: string,
  rules: CrdRules,
): void {
  const schema = asSchema(version.schema?.openAPIV3Schema);
  if (schema === undefined) return;
  const at = `${path}.openAPIV3Schema`;
  if (version.subresources?.status !== undefined) checkRoot(errors, schema, at);
  if (schema.nullable === true) errors.forbidden(`${at}.nullable`, 'nullable cannot be true at the root');
  checkJsonSchema(errors, schema, at, rules);
  const structural = validateStructural(schema, at);
  errors.add(structural);
  if (structural.length === 0) errors.add(validateDefaults(schema, at, { pruned: rules.prunedDefaults }));
}
