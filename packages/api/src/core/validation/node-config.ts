/** The configuration source of the removed dynamic kubelet configuration (`pkg/apis/core/validation/validation.go`, `validateNodeConfigSourceSpec`). */
import type { Node } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { configMapKey, dnsLabel, nameIsSubdomain } from './pod-names.ts';

export function checkNodeConfigSource(errors: ErrorList, { spec }: Node): void {
  const source = spec?.configSource;
  if (!source) return;
  const path = 'spec.configSource';
  const { configMap } = source;
  if (!configMap) return errors.invalid(path, source, 'exactly one reference subfield must be non-nil');
  const at = `${path}.configMap`;
  if (configMap.uid) errors.forbidden(`${at}.uid`, 'uid must not be set in spec');
  if (configMap.resourceVersion) errors.forbidden(`${at}.resourceVersion`, 'resourceVersion must not be set in spec');
  const { namespace, name, kubeletConfigKey: key } = configMap;
  if (!namespace) errors.required(`${at}.namespace`, 'namespace must be set');
  else errors.eachInvalid(`${at}.namespace`, namespace, dnsLabel(namespace));
  if (!name) errors.required(`${at}.name`, 'name must be set');
  else errors.eachInvalid(`${at}.name`, name, nameIsSubdomain(name, false));
  if (!key) errors.required(`${at}.kubeletConfigKey`, 'kubeletConfigKey must be set');
  else errors.eachInvalid(`${at}.kubeletConfigKey`, key, configMapKey(key));
}
