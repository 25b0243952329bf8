/** The facts of every group, version and kind of Kubernetes 1.36, and what follows from them. */
export { convert, needsConversion } from './conversion/convert.ts';
export { decodeBody, type DecodeBodyOptions, type DecodedBody, type FieldValidation } from './decode-body.ts';
export type { DefaultingContext } from './defaulting/condition.ts';
export {
  admissionPlugins,
  featureGateDefault,
  featureGates,
  flowcontrolBootstrap,
  rbacBootstrap,
  stableMetrics,
  tableColumns,
  wellKnownNames,
} from './facts.ts';
export {
  knownGroupVersions,
  resourceByGVK,
  resourceByGVR,
  servedGroupVersions,
  servedResources,
  type GroupVersionInfo,
  type ResourceInfo,
  type SubresourceInfo,
} from './resources.ts';
export type { Duration, IntOrString, MicroTime, Quantity, Time } from './scalars.ts';
export { schemaOf } from './schema-table.ts';
export { allKinds, kindInfo, type KindInfo } from './scheme.ts';
