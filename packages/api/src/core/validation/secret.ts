/** Secrets (`pkg/apis/core/validation/validation.go`, `ValidateSecret`, `ValidateSecretUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { parseJson } from '@kubets/apimachinery/codec/json';
import type { Secret } from '../../generated/types/core-v1.ts';
import { base64Length, checkImmutableData, maxDataBytes } from './config-map-data.ts';
import { ErrorList } from './pod-error-list.ts';
import { configMapKey } from './pod-names.ts';

type Data = Readonly<Record<string, string>>;

const serviceAccountName = 'kubernetes.io/service-account.name';

const requireKey = (errors: ErrorList, data: Data, key: string): void => {
  if (!Object.hasOwn(data, key)) errors.required(`data[${key}]`);
};

function decodeBase64(text: string): string {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** The value has to be a JSON object; errors never show it. */
function checkJson(errors: ErrorList, data: Data, key: string): void {
  const text = data[key];
  if (text === undefined) return errors.required(`data[${key}]`);
  let detail: string | undefined;
  try {
    const value = parseJson(decodeBase64(text));
    if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
      const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
      detail = `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
    }
  } catch (error) {
    detail = error instanceof Error ? error.message : String(error);
  }
  if (detail !== undefined) errors.invalid(`data[${key}]`, '<secret contents redacted>', detail);
}

/** What each type of secret must have. */
const typeChecks: Readonly<Record<string, (errors: ErrorList, data: Data, secret: Secret) => void>> = {
  'kubernetes.io/service-account-token'(errors, _data, secret) {
    if (!secret.metadata.annotations?.[serviceAccountName]) {
      errors.required(`metadata.annotations[${serviceAccountName}]`);
    }
  },
  'kubernetes.io/dockercfg': (errors, data) => checkJson(errors, data, '.dockercfg'),
  'kubernetes.io/dockerconfigjson': (errors, data) => checkJson(errors, data, '.dockerconfigjson'),
  'kubernetes.io/basic-auth'(errors, data) {
    if (Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')) return;
    errors.required('data[username]');
    errors.required('data[password]');
  },
  'kubernetes.io/ssh-auth'(errors, data) {
    if (!data['ssh-privatekey']) errors.required('data[ssh-privatekey]');
  },
  'kubernetes.io/tls'(errors, data) {
    requireKey(errors, data, 'tls.crt');
    requireKey(errors, data, 'tls.key');
  },
};

export function validateSecret(secret: Secret): FieldError[] {
  const errors = new ErrorList();
  const data = secret.data ?? {};
  let size = 0;
  for (const key in data) {
    errors.eachInvalid(`data[${key}]`, key, configMapKey(key));
    size += base64Length(data[key] as string);
  }
  if (size > maxDataBytes) errors.tooLong('data', maxDataBytes);
  const type = secret.type ?? '';
  if (Object.hasOwn(typeChecks, type)) typeChecks[type]?.(errors, data, secret);
  return errors.errors;
}

export function validateSecretUpdate(secret: Secret, old: Readonly<Secret>): FieldError[] {
  const errors = new ErrorList();
  if (secret.type !== old.type) errors.invalid('type', secret.type ?? '', 'field is immutable');
  checkImmutableData(errors, { obj: secret, old, fields: ['data'] });
  errors.add(validateSecret(secret));
  return errors.errors;
}
