/**
 * The claim that a generic ephemeral volume makes (`pkg/apis/core/validation/validation.go`,
 * `ValidatePersistentVolumeClaimTemplate`, `ValidatePersistentVolumeClaimSpec`).
 */
import { Path } from '@kubets/apimachinery/field';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { validateAnnotations } from '@kubets/apimachinery/validation-meta';
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { nameIsSubdomain } from './pod-names.ts';
import { checkLabels, checkSelector } from './pod-selectors.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const volumeModes = ['Block', 'Filesystem'];

/** Known modes; one of them goes with no other. */
export function checkAccessModes(errors: ErrorList, modes: readonly string[], path: string): void {
  if (modes.length === 0) errors.required(path, 'at least 1 access mode is required');
  for (const mode of modes) if (!accessModes.includes(mode)) errors.notSupported(path, mode, accessModes);
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode));
  if (modes.includes('ReadWriteOncePod') && others) {
    errors.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

function checkStorage(errors: ErrorList, storage: string | undefined, path: string): void {
  if (storage === undefined) errors.required(path);
  else if (parseQuantity(storage).sign() <= 0) errors.invalid(path, storage, 'must be greater than zero');
}

interface Source {
  readonly apiGroup?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

function checkSource(errors: ErrorList, source: Source, path: string): void {
  if (!source.name) errors.required(`${path}.name`);
  if (!source.kind) errors.required(`${path}.kind`);
  const group = source.apiGroup ?? '';
  if (group === '' && source.kind !== 'PersistentVolumeClaim') {
    errors.invalid(path, source.kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (group !== '') errors.eachInvalid(`${path}.apiGroup`, group, nameIsSubdomain(group, false));
}

function checkSources(errors: ErrorList, { dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): void {
  if (dataSource) checkSource(errors, dataSource, `${path}.dataSource`);
  if (!dataSourceRef) return;
  checkSource(errors, dataSourceRef, `${path}.dataSourceRef`);
  if (!dataSource) return;
  if (dataSourceRef.namespace) {
    errors.invalid(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified');
    return;
  }
  const same =
    dataSource.apiGroup === dataSourceRef.apiGroup &&
    dataSource.kind === dataSourceRef.kind &&
    dataSource.name === dataSourceRef.name;
  if (!same) errors.invalid(path, `${path}.dataSource`, 'must match dataSourceRef');
}

/** `ValidatePersistentVolumeClaimSpec`. */
export function checkClaimSpec(errors: ErrorList, spec: PersistentVolumeClaimSpec, path: string): void {
  checkSelector(errors, spec.selector, { path: `${path}.selector`, allowInvalidValues: false });
  checkAccessModes(errors, spec.accessModes ?? [], `${path}.accessModes`);
  checkStorage(errors, spec.resources?.requests?.['storage'], `${path}.resources[storage]`);
  const { storageClassName, volumeAttributesClassName, volumeMode } = spec;
  if (storageClassName) {
    errors.eachInvalid(`${path}.storageClassName`, storageClassName, nameIsSubdomain(storageClassName, false));
  }
  if (volumeMode !== undefined && !volumeModes.includes(volumeMode)) {
    errors.notSupported(`${path}.volumeMode`, volumeMode, volumeModes);
  }
  checkSources(errors, spec, path);
  if (volumeAttributesClassName) {
    const wrong = nameIsSubdomain(volumeAttributesClassName, false);
    errors.eachInvalid(`${path}.volumeAttributesClassName`, volumeAttributesClassName, wrong);
  }
}

/** Only labels and annotations of the template's metadata are used; other fields are refused. */
export function checkClaimTemplate(errors: ErrorList, template: PersistentVolumeClaimTemplate, path: string): void {
  const metadata = template.metadata ?? {};
  errors.add(validateAnnotations(metadata.annotations, Path.of(`${path}.metadata.annotations`)));
  checkLabels(errors, metadata.labels, `${path}.metadata.labels`);
  for (const [field, value] of Object.entries(metadata)) {
    const empty = value === null || value === undefined || value === '';
    if (field === 'labels' || field === 'annotations' || empty) continue;
    errors.forbidden(`${path}.metadata.${field}`, 'cannot be set');
  }
  checkClaimSpec(errors, template.spec, `${path}.spec`);
}
