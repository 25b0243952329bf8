/** `env` and `envFrom` of containers (`pkg/apis/core/validation/validation.go`, `ValidateEnv`, `ValidateEnvFrom`). */
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector } from '../../generated/types/core-v1.ts';
import { checkFieldRef, checkResourceFieldRef, envFieldPaths } from './env-references.ts';
import type { ErrorList } from './pod-error-list.ts';
import { configMapKey, dnsLabel, nameIsSubdomain, relaxedEnvName } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkNoBacksteps } from './pod-paths.ts';

interface KeyReference {
  readonly name?: string;
  readonly key: string;
}

function checkKeyRef(errors: ErrorList, ref: KeyReference, path: string): void {
  const name = ref.name ?? '';
  errors.eachInvalid(`${path}.name`, name, nameIsSubdomain(name, false));
  if (ref.key) errors.eachInvalid(`${path}.key`, ref.key, configMapKey(ref.key));
  else errors.required(`${path}.key`);
}

function checkFileRef(errors: ErrorList, ref: FileKeySelector, path: string): void {
  if (ref.key) errors.eachInvalid(`${path}.key`, ref.key, relaxedEnvName(ref.key));
  else errors.required(`${path}.key`);
  if (ref.volumeName) errors.eachInvalid(`${path}.volumeName`, ref.volumeName, dnsLabel(ref.volumeName));
  else errors.required(`${path}.volumeName`);
  if (ref.path) checkNoBacksteps(errors, ref.path, `${path}.path`);
  else errors.required(`${path}.path`);
}

/** Checks each source that is set; answers how many are. */
function checkSources(errors: ErrorList, from: EnvVarSource, path: string): number {
  let sources = 0;
  if (from.fieldRef && ++sources) {
    checkFieldRef(errors, from.fieldRef, { path: `${path}.fieldRef`, allowed: envFieldPaths });
  }
  if (from.resourceFieldRef && ++sources) {
    checkResourceFieldRef(errors, from.resourceFieldRef, { path: `${path}.resourceFieldRef`, volume: false });
  }
  if (from.configMapKeyRef && ++sources) checkKeyRef(errors, from.configMapKeyRef, `${path}.configMapKeyRef`);
  if (from.secretKeyRef && ++sources) checkKeyRef(errors, from.secretKeyRef, `${path}.secretKeyRef`);
  if (from.fileKeyRef && ++sources) checkFileRef(errors, from.fileKeyRef, `${path}.fileKeyRef`);
  return sources;
}

const oneOfFour = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
const oneOfFive =
  'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
const several = 'may not have more than one field specified at a time';

export function checkEnv(
  errors: ErrorList,
  variables: readonly EnvVar[],
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  for (let i = 0; i < variables.length; i++) {
    const { name, value, valueFrom } = variables[i] as EnvVar;
    const wrong = name ? relaxedEnvName(name) : undefined;
    if (wrong === undefined) errors.required(`${path}[${i}].name`);
    else if (wrong.length > 0) errors.eachInvalid(`${path}[${i}].name`, name, wrong);
    if (!valueFrom) continue;
    const at = `${path}[${i}].valueFrom`;
    const sources = checkSources(errors, valueFrom, at);
    if (sources === 0) errors.invalid(at, '', options.allowEnvFiles ? oneOfFive : oneOfFour);
    else if (value) errors.invalid(at, '', 'may not be specified when `value` is not empty');
    else if (sources > 1) errors.invalid(at, '', several);
  }
}

function checkSourceName(errors: ErrorList, name: string | undefined, path: string): void {
  if (!name) errors.required(path);
  else errors.eachInvalid(path, name, nameIsSubdomain(name, true));
}

export function checkEnvFrom(errors: ErrorList, sources: readonly EnvFromSource[], path: string): void {
  for (let i = 0; i < sources.length; i++) {
    const { prefix, configMapRef, secretRef } = sources[i] as EnvFromSource;
    if (prefix) errors.eachInvalid(`${path}[${i}].prefix`, prefix, relaxedEnvName(prefix));
    if (configMapRef) checkSourceName(errors, configMapRef.name, `${path}[${i}].configMapRef.name`);
    if (secretRef) checkSourceName(errors, secretRef.name, `${path}[${i}].secretRef.name`);
    // These two point at the list, not at its item: upstream's paths.
    if (!configMapRef && !secretRef) errors.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (configMapRef && secretRef) errors.invalid(path, '', several);
  }
}
