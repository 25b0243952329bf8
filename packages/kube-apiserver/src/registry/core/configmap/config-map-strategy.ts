/** Config maps (`pkg/registry/core/configmap/strategy.go`). */
import { validateConfigMap, validateConfigMapUpdate } from '@kubets/api/core/validation/config-map';
import type { ConfigMap } from '@kubets/api/types/core-v1';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';

export const configMapStrategy: Strategy<ConfigMap> = baseStrategy<ConfigMap>({
  validate: (_context, configMap) => validateConfigMap(configMap),
  validateUpdate: (_context, configMap, old) => validateConfigMapUpdate(configMap, old),
});
