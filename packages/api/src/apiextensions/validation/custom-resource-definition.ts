/**
 * CustomResourceDefinitions (`apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go`).
 *
 * Upstream validates its internal form, in which what all versions share stands once at the top: so do the
 * paths of errors (`spec.validation.openAPIV3Schema…` for a single version).
 */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1035Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { hasKnownReviewVersion } from '../../admissionregistration/validation/review-versions.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../generated/types/apiextensions-v1.ts';
import { checkApiApproval } from './api-approval.ts';
import { checkConversion } from './conversion.ts';
import { schemasOf, rulesOfUpdate, strictRules, checkVersionSchema, type CrdRules } from './crd-rules.ts';
import { checkNames, checkRequiredNames } from './names.ts';
import { checkColumns, checkDeprecation, checkSelectableFields, checkSubresources } from './version.ts';

type Crd = Readonly<CustomResourceDefinition>;
type Version = CustomResourceDefinitionVersion;

const versionsOf = (spec: CustomResourceDefinitionSpec): readonly Version[] => spec.versions ?? [];

function checkGroup(errors: ErrorList, group: string): void {
  const wrong = isDNS1123Subdomain(group).join(',');
  if (group === '') errors.required('spec.group');
  else if (wrong !== '') errors.invalid('spec.group', group, wrong);
  else if (!group.includes('.')) errors.invalid('spec.group', group, 'should be a domain with at least one dot');
}

function checkScope(errors: ErrorList, scope: string): void {
  const scopes = ['Cluster', 'Namespaced'];
  if (scope === '') errors.required('spec.scope');
  else if (!scopes.includes(scope)) errors.notSupported('spec.scope', scope, scopes);
}

/** The field of all versions, when they all have the same: it is checked once, at the top. */
function sharedField<K extends keyof Version>(versions: readonly Version[], field: K): boolean {
  return versions.every((version) => semanticEqual(version[field], versions[0]?.[field]));
}

function checkVersionParts(errors: ErrorList, spec: CustomResourceDefinitionSpec, rules: CrdRules): void {
  const versions = versionsOf(spec);
  const pathOf = (field: keyof Version, top: string) => {
    const shared = sharedField(versions, field);
    return (i: number): string | undefined =>
      shared ? (i === 0 ? `spec.${top}` : undefined) : `spec.versions[${i}].${field}`;
  };
  const paths = {
    schema: pathOf('schema', 'validation'),
    subresources: pathOf('subresources', 'subresources'),
    columns: pathOf('additionalPrinterColumns', 'additionalPrinterColumns'),
    selectable: pathOf('selectableFields', 'selectableFields'),
  };
  for (const [i, version] of versions.entries()) {
    const at = {
      schema: paths.schema(i),
      subresources: paths.subresources(i),
      columns: paths.columns(i),
      selectable: paths.selectable(i),
    };
    checkDeprecation(errors, version, `spec.versions[${i}]`);
    if (at.schema !== undefined) checkVersionSchema(errors, version, at.schema, rules);
    if (at.subresources !== undefined) checkSubresources(errors, version.subresources, at.subresources);
    if (at.columns !== undefined) checkColumns(errors, version.additionalPrinterColumns, at.columns);
    if (at.selectable === undefined) continue;
    const schema = version.schema?.openAPIV3Schema;
    checkSelectableFields(errors, version.selectableFields, { path: at.selectable, schema });
  }
}

function checkVersions(errors: ErrorList, spec: CustomResourceDefinitionSpec, rules: CrdRules): void {
  const versions = versionsOf(spec);
  for (const [i, version] of versions.entries()) {
    const name = version.name ?? '';
    const missing = version.schema?.openAPIV3Schema === undefined;
    const path = `spec.versions[${i}]`;
    if (missing && rules.requireSchema) errors.required(`${path}.schema.openAPIV3Schema`, 'schemas are required');
    const wrong = isDNS1035Label(name).join(',');
    if (wrong !== '') errors.invalid(`${path}.name`, name, wrong);
  }
  checkVersionParts(errors, spec, rules);
  if (new Set(versions.map((version) => version.name)).size < versions.length) {
    errors.invalid('spec.versions', versions, 'must contain unique version names');
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    errors.invalid('spec.versions', versions, 'must have exactly one version marked as storage version');
  }
}

function checkSpec(errors: ErrorList, spec: CustomResourceDefinitionSpec, rules: CrdRules): void {
  const names = spec.names ?? {};
  checkGroup(errors, spec.group ?? '');
  checkScope(errors, spec.scope ?? '');
  checkVersions(errors, spec, rules);
  checkRequiredNames(errors, names, 'spec.names');
  checkNames(errors, names, 'spec.names');
  const { conversion } = spec;
  if (conversion !== undefined && conversion.strategy !== 'None' && spec.preserveUnknownFields === true) {
    const detail = 'must be None if spec.preserveUnknownFields is true';
    errors.invalid('spec.conversion.strategy', conversion.strategy, detail);
  }
  if (conversion === undefined) return;
  checkConversion(errors, conversion, { path: 'spec.conversion', requireKnown: rules.requireKnownReview });
}

/** Objects are stored in these versions: none may go while it is listed. */
function checkStoredVersions(errors: ErrorList, crd: Crd): void {
  const path = 'status.storedVersions';
  const stored = crd.status?.storedVersions ?? [];
  if (stored.length === 0) {
    errors.invalid(path, stored, 'must have at least one stored version');
    return;
  }
  const versions = versionsOf(crd.spec);
  for (const version of versions) {
    if (version.storage && !stored.includes(version.name)) {
      errors.invalid(path, version, `must have the storage version ${version.name}`);
    }
  }
  for (const [i, name] of stored.entries()) {
    if (!versions.some((version) => version.name === name)) {
      errors.invalid(`${path}[${i}]`, name, 'must appear in spec.versions');
    }
  }
}

function checkName(errors: ErrorList, crd: Crd): void {
  const name = crd.metadata.name ?? '';
  if (name === `${crd.spec.names?.plural ?? ''}.${crd.spec.group ?? ''}`) return;
  errors.invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group');
}

function checkPreserveUnknownFields(errors: ErrorList, crd: Crd, old: Crd | undefined): void {
  if (old?.spec.preserveUnknownFields === true || crd.spec.preserveUnknownFields !== true) return;
  const instead = 'set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  errors.invalid('spec.preserveUnknownFields', true, `cannot set to true, ${instead}`);
}

const isEstablished = (crd: Crd): boolean =>
  (crd.status?.conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True');

/** Objects exist under these names. */
function checkUnchanged(errors: ErrorList, spec: CustomResourceDefinitionSpec, old: Crd): void {
  const check = (path: string, now: unknown, before: unknown): void => {
    if (now !== before) errors.invalid(`spec.${path}`, now ?? '', 'field is immutable');
  };
  if (isEstablished(old)) {
    check('scope', spec.scope, old.spec.scope);
    check('names.kind', spec.names?.kind, old.spec.names?.kind);
  }
  check('group', spec.group, old.spec.group);
  check('names.plural', spec.names?.plural, old.spec.names?.plural);
}

/** Create, and update when there is an `old` one: what is stored may keep the faults it has. */
export function validateCustomResourceDefinition(crd: Crd, old?: Crd): FieldError[] {
  const errors = new ErrorList();
  const conversion = old?.spec.conversion?.webhook?.conversionReviewVersions ?? [];
  const rules = old === undefined ? strictRules : rulesOfUpdate(schemasOf(old.spec), hasKnownReviewVersion(conversion));
  if (old === undefined) checkName(errors, crd);
  checkSpec(errors, crd.spec, rules);
  if (old !== undefined) checkUnchanged(errors, crd.spec, old);
  checkNames(errors, crd.status?.acceptedNames ?? {}, 'status.acceptedNames');
  checkStoredVersions(errors, crd);
  checkApiApproval(errors, crd, old);
  checkPreserveUnknownFields(errors, crd, old);
  return errors.errors;
}

export function validateCustomResourceDefinitionStatus(crd: Crd): FieldError[] {
  const errors = new ErrorList();
  checkNames(errors, crd.status?.acceptedNames ?? {}, 'status.acceptedNames');
  return errors.errors;
}
