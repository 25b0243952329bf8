/** StorageClasses and VolumeAttributesClasses (`pkg/apis/storage/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { byteLength } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { qualifiedName } from '../../core/validation/pod-names.ts';
import type { TopologySelectorTerm } from '../../generated/types/core-v1.ts';
import type { StorageClass, VolumeAttributesClass } from '../../generated/types/storage-v1.ts';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;
const reclaimPolicies = ['Delete', 'Retain'];
const bindingModes = ['Immediate', 'WaitForFirstConsumer'];

type Parameters = Readonly<Record<string, string>>;

/** A driver's name, in any case. */
function checkProvisioner(errors: ErrorList, name: string, path: string): void {
  if (name === '') errors.required(path, name);
  else errors.eachInvalid(path, name.toLowerCase(), qualifiedName(name.toLowerCase()));
}

function checkParameters(errors: ErrorList, parameters: Parameters = {}, mayBeEmpty: boolean): void {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) return errors.tooLong('parameters', maxParameters);
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.invalid('parameters', key, 'field can not be empty.');
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxParameterBytes) errors.tooLong('parameters', maxParameterBytes);
  if (!mayBeEmpty && entries.length === 0) {
    errors.required('parameters', 'must contain at least one key/value pair');
  }
}

function checkTopology(errors: ErrorList, term: TopologySelectorTerm, path: string): void {
  const keys = new Set<string>();
  (term.matchLabelExpressions ?? []).forEach(({ key, ...expression }, i) => {
    const values = expression.values ?? [];
    const at = `${path}.matchLabelExpressions[${i}]`;
    if (values.length === 0) errors.required(`${at}.values`);
    values.forEach((value, j) => values.indexOf(value) < j && errors.duplicate(`${at}.values[${j}]`, value));
    errors.eachInvalid(`${at}.key`, key, qualifiedName(key));
    if (keys.has(key)) errors.duplicate(`${at}.key`, key);
    keys.add(key);
  });
}

/** Terms that say the same, whatever the order of their values. */
const termKey = ({ matchLabelExpressions = [] }: TopologySelectorTerm): string =>
  matchLabelExpressions
    .map(({ key, ...expression }) => JSON.stringify([key, (expression.values ?? []).toSorted()]))
    .toSorted()
    .join();

function checkTopologies(errors: ErrorList, terms: readonly TopologySelectorTerm[]): void {
  const seen = new Set<string>();
  terms.forEach((term, i) => {
    const path = `allowedTopologies[${i}]`;
    checkTopology(errors, term, path);
    const key = termKey(term);
    if (seen.has(key)) errors.duplicate(`${path}.matchLabelExpressions`, '');
    seen.add(key);
  });
}

export function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const errors = new ErrorList();
  const provisioner = storageClass.provisioner ?? '';
  const { parameters, reclaimPolicy, volumeBindingMode: mode } = storageClass;
  checkProvisioner(errors, provisioner, 'provisioner');
  checkParameters(errors, parameters, true);
  if (reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)) {
    errors.notSupported('reclaimPolicy', reclaimPolicy, reclaimPolicies);
  }
  if (mode === undefined) errors.required('volumeBindingMode');
  else if (!bindingModes.includes(mode)) errors.notSupported('volumeBindingMode', mode, bindingModes);
  checkTopologies(errors, storageClass.allowedTopologies ?? []);
  return errors.errors;
}

export function validateStorageClassUpdate(storageClass: StorageClass, old: Readonly<StorageClass>): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateStorageClass(storageClass));
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
    if (!semanticEqual(storageClass[field], old[field])) errors.forbidden(field, `updates to ${field} are forbidden.`);
  }
  const { volumeBindingMode: mode } = storageClass;
  if (mode !== old.volumeBindingMode) errors.invalid('volumeBindingMode', mode, 'field is immutable');
  return errors.errors;
}

export function validateVolumeAttributesClass({ driverName, parameters }: VolumeAttributesClass): FieldError[] {
  const errors = new ErrorList();
  checkProvisioner(errors, driverName ?? '', 'driverName');
  checkParameters(errors, parameters, false);
  return errors.errors;
}

export function validateVolumeAttributesClassUpdate(
  attributes: VolumeAttributesClass,
  old: Readonly<VolumeAttributesClass>,
): FieldError[] {
  const errors = new ErrorList();
  for (const field of ['driverName', 'parameters'] as const) {
    if (!semanticEqual(attributes[field], old[field])) errors.invalid(field, attributes[field], 'field is immutable');
  }
  return errors.errors;
}
