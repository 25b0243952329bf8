/** ResourceClaims and their templates (`pkg/apis/resource/validation/validation.go`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import { semanticEqual, validateAnnotations, validateLabels } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../../generated/types/resource-v1.ts';
import { checkConfiguration, checkSelectors, checkTolerations } from './device-parts.ts';
import { checkList } from './lists.ts';
import { checkDeviceClassName, checkFullyQualifiedName, checkLabel } from './names.ts';
import { checkRequestNames, maxRequests, requestNames } from './request-names.ts';

const maxAlternatives = 8;
const maxConstraints = 32;
export const maxConfigurations = 32;

function checkCount(errors: ErrorList, { allocationMode, count = 0 }: ExactDeviceRequest, path: string): void {
  const mode: string = allocationMode ?? '';
  if (mode === 'All') {
    if (count !== 0) errors.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (mode === 'ExactCount') {
    if (count <= 0) errors.invalid(`${path}.count`, count, 'must be greater than zero');
  } else errors.notSupported(`${path}.allocationMode`, mode, ['All', 'ExactCount']);
}

/** What a request and each of its alternatives ask for. */
function checkWanted(errors: ErrorList, request: ExactDeviceRequest, path: string): void {
  checkDeviceClassName(errors, request.deviceClassName, `${path}.deviceClassName`);
  checkSelectors(errors, request.selectors, `${path}.selectors`);
  checkCount(errors, request, path);
  checkTolerations(errors, request.tolerations, `${path}.tolerations`);
}

function checkAlternative(errors: ErrorList, request: DeviceSubRequest, path: string): void {
  checkLabel(errors, request.name, `${path}.name`);
  checkWanted(errors, request, path);
}

function checkRequest(errors: ErrorList, request: DeviceRequest, path: string): void {
  const { name, exactly, firstAvailable = [] } = request;
  const rule = 'exactly one of `exactly` or `firstAvailable` is required';
  checkLabel(errors, name, `${path}.name`);
  if (exactly !== undefined && firstAvailable.length > 0) {
    errors.invalid(path, null, `${rule}, but multiple fields are set`);
  } else if (exactly !== undefined) checkWanted(errors, exactly, `${path}.exactly`);
  else if (firstAvailable.length === 0) errors.required(path, rule);
  else {
    checkList(errors, firstAvailable, {
      path: `${path}.firstAvailable`,
      max: maxAlternatives,
      check: checkAlternative,
      key: (alternative) => alternative.name,
    });
  }
}

interface ClaimRules {
  readonly path: string;
  readonly names: ReadonlySet<string>;
}

/** Devices of the requests have, or do not have, the same value of an attribute. */
function checkConstraint(errors: ErrorList, constraint: DeviceConstraint, { path, names }: ClaimRules): void {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  checkRequestNames(errors, requests, { path: `${path}.requests`, names });
  if (matchAttribute !== undefined) checkFullyQualifiedName(errors, matchAttribute, `${path}.matchAttribute`);
  else if (distinctAttribute !== undefined) {
    checkFullyQualifiedName(errors, distinctAttribute, `${path}.distinctAttribute`);
  } else {
    const rule = 'exactly one of "matchAttribute" or "distinctAttribute" is required';
    errors.required(path, `${rule}, but multiple fields are set`);
  }
}

function checkDeviceClaim(errors: ErrorList, claim: DeviceClaim, path: string): void {
  const names = requestNames(claim);
  checkList(errors, claim.requests, {
    path: `${path}.requests`,
    max: maxRequests,
    check: checkRequest,
    key: (request) => request.name,
  });
  checkList(errors, claim.constraints, {
    path: `${path}.constraints`,
    max: maxConstraints,
    check: (all, constraint, at) => checkConstraint(all, constraint, { path: at, names }),
  });
  checkList(errors, claim.config, {
    path: `${path}.config`,
    max: maxConfigurations,
    check: (all, configuration, at) => {
      checkRequestNames(all, configuration.requests, { path: `${at}.requests`, names });
      checkConfiguration(all, configuration, { path: at, stored: false });
    },
  });
}

export function validateResourceClaim(object: ResourceClaim): FieldError[] {
  const errors = new ErrorList();
  checkDeviceClaim(errors, object.spec?.devices ?? {}, 'spec.devices');
  return errors.errors;
}

function checkUnchanged(spec: unknown, old: unknown): FieldError[] {
  const errors = new ErrorList();
  if (!semanticEqual(spec, old)) errors.invalid('spec', spec, 'field is immutable');
  return errors.errors;
}

/** What was asked for stays; nothing else is checked again. */
export const validateResourceClaimUpdate = (object: ResourceClaim, old: Readonly<ResourceClaim>): FieldError[] =>
  checkUnchanged(object.spec, old.spec);

/** Claims made of a template get its labels and annotations; nothing else can be set. */
function checkTemplateMetadata(errors: ErrorList, metadata: ObjectMeta, path: string): void {
  if (metadata.annotations) errors.add(validateAnnotations(metadata.annotations, Path.of(`${path}.annotations`)));
  errors.add(validateLabels(metadata.labels, Path.of(`${path}.labels`)));
  for (const [field, value] of Object.entries(metadata)) {
    const allowed = field === 'labels' || field === 'annotations';
    if (!allowed && value !== null && value !== undefined) errors.forbidden(`${path}.${field}`, 'cannot be set');
  }
}

export function validateResourceClaimTemplate(object: ResourceClaimTemplate): FieldError[] {
  const errors = new ErrorList();
  checkTemplateMetadata(errors, object.spec?.metadata ?? {}, 'spec.metadata');
  checkDeviceClaim(errors, object.spec?.spec?.devices ?? {}, 'spec.spec.devices');
  return errors.errors;
}

export const validateResourceClaimTemplateUpdate = (
  object: ResourceClaimTemplate,
  old: Readonly<ResourceClaimTemplate>,
): FieldError[] => checkUnchanged(object.spec, old.spec);
