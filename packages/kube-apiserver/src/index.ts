/** Public exports of the API server. */
export { createApiServer, type ApiServer, type ApiServerConfig, type ApiServerParts } from './api-server.ts';
export { GenericServer, type GenericServerOptions, type ListenOptions } from './server/generic-server.ts';
export { featureGateLookup, FeatureGateError, type FeatureEnabled } from '@kubets/api/feature-gates';
export { inProcessTransport, type InProcessServer } from './server/in-process.ts';
export { defaultLimits, type Limits } from './server/limits.ts';
export { silentLog, type Log } from '@kubets/apimachinery/log';
export type { PostStartHook } from './server/post-start-hooks.ts';
export type { TlsMaterial } from './server/tls.ts';
export type { ApiRequest, ApiResult, Filter, Next, RequestInfo, UserInfo, WatchSource } from './server/types.ts';
export { buildInfo, kubernetesVersion } from './server/version.ts';
export { internalUser, type InternalClient } from './bootstrap/internal-client.ts';
export { createKubeApiServer, type KubeApiServerOptions, type ServiceAccountOptions } from './kube-apiserver.ts';
export {
  defaultRequestHeaders,
  type RequestHeaderOptions,
} from './authentication/request-header/request-header-authenticator.ts';
export { parseAuthorizationModes, type AuthorizationMode } from './authorization/new-authorizer.ts';
export { parseTokenFile } from './authentication/token/token-file.ts';
