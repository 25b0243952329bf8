/** Config maps (`pkg/apis/core/validation/validation.go`, `ValidateConfigMap`, `ValidateConfigMapUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { byteLength } from '@kubets/apimachinery/names';
import type { ConfigMap } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import { configMapKey } from './pod-names.ts';
import { base64Length, checkImmutableData, maxDataBytes } from './config-map-data.ts';

/** The path of an error about the whole object, as upstream prints its empty path. */
const wholeObject = '[]';

export function validateConfigMap(configMap: ConfigMap): FieldError[] {
  const errors = new ErrorList();
  const { data, binaryData } = configMap;
  let size = 0;
  for (const key in data) {
    errors.eachInvalid(`data[${key}]`, key, configMapKey(key));
    if (binaryData !== undefined && Object.hasOwn(binaryData, key)) {
      errors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    }
    size += byteLength(data[key] as string);
  }
  for (const key in binaryData) {
    errors.eachInvalid(`binaryData[${key}]`, key, configMapKey(key));
    if (data !== undefined && Object.hasOwn(data, key)) {
      errors.invalid(`binaryData[${key}]`, key, 'duplicate of key present in data');
    }
    size += base64Length(binaryData[key] as string);
  }
  if (size > maxDataBytes) errors.tooLong(wholeObject, maxDataBytes);
  return errors.errors;
}

export function validateConfigMapUpdate(configMap: ConfigMap, old: Readonly<ConfigMap>): FieldError[] {
  const errors = new ErrorList();
  checkImmutableData(errors, { obj: configMap, old, fields: ['data', 'binaryData'] });
  errors.add(validateConfigMap(configMap));
  return errors.errors;
}
