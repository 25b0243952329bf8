/**
 * The built-in admission plugins, in upstream's order and with its defaults
 * (`pkg/kubeapiserver/options/plugins.go`, `admission.go`).
 */
import { admissionPlugins as facts, type AdmissionPluginFact } from '@kubets/api/facts';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Authorizer } from '../authorization/authorizer.ts';
import { rbacEscalationCheck } from '../authorization/rbac/escalation.ts';
import type { RbacAuthorizer } from '../authorization/rbac/rbac-authorizer.ts';
import type { InternalClient } from '../bootstrap/internal-client.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { alwaysPullImages } from './always-pull-images/always-pull-images.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from './certificates/certificates.ts';
import { fieldOrder } from './common/field-order.ts';
import { defaultIngressClass } from './default-ingress-class/default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class/default-storage-class.ts';
import {
  defaultTolerationSeconds,
  type DefaultTolerationSecondsOptions,
} from './default-toleration-seconds/default-toleration-seconds.ts';
import { jobValidation } from './job-validation/job-validation.ts';
import { limitRanger } from './limit-ranger/limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle/namespace-lifecycle.ts';
import { nodeDeclaredFeatureValidator } from './node-declared-feature-validator/node-declared-feature-validator.ts';
import { nodeRestriction } from './node-restriction/node-restriction.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize/persistent-volume-claim-resize.ts';
import type { AdmissionPlugin } from './plugin.ts';
import { podResizeValidator } from './pod-resize-validator/pod-resize-validator.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels/pod-topology-labels.ts';
import { priority } from './priority/priority.ts';
import { resourceQuota } from './resource-quota/resource-quota.ts';
import { runtimeClass } from './runtime-class/runtime-class.ts';
import { serviceAccount } from './service-account/service-account.ts';
import { alwaysAdmit, alwaysDeny, denyServiceExternalIPs, namespaceExists } from './simple/simple-plugins.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection/storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition/taint-nodes-by-condition.ts';

export interface AdmissionDeps {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
  readonly authorizer: Authorizer;
  /** For the escalation check, which is always on. */
  readonly rbac: RbacAuthorizer;
  readonly clock: Clock;
  readonly random: Random;
  readonly tolerationSeconds?: DefaultTolerationSecondsOptions;
  featureEnabled(gate: string): boolean;
}

type Make = (deps: AdmissionDeps) => AdmissionPlugin;

const makers: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['AlwaysAdmit', alwaysAdmit],
  ['NamespaceLifecycle', namespaceLifecycle],
  ['NamespaceExists', namespaceExists],
  ['LimitRanger', limitRanger],
  ['ServiceAccount', serviceAccount],
  ['NodeRestriction', nodeRestriction],
  ['TaintNodesByCondition', taintNodesByCondition],
  ['AlwaysPullImages', alwaysPullImages],
  ['PodSecurity', podSecurity],
  ['Priority', priority],
  ['DefaultTolerationSeconds', (deps) => defaultTolerationSeconds(deps.tolerationSeconds)],
  ['DefaultStorageClass', defaultStorageClass],
  ['StorageObjectInUseProtection', storageObjectInUseProtection],
  ['PersistentVolumeClaimResize', persistentVolumeClaimResize],
  ['RuntimeClass', runtimeClass],
  ['CertificateApproval', certificateApproval],
  ['CertificateSigning', certificateSigning],
  ['ClusterTrustBundleAttest', clusterTrustBundleAttest],
  ['CertificateSubjectRestriction', certificateSubjectRestriction],
  ['DefaultIngressClass', defaultIngressClass],
  ['DenyServiceExternalIPs', denyServiceExternalIPs],
  ['PodTopologyLabels', podTopologyLabels],
  ['NodeDeclaredFeatureValidator', nodeDeclaredFeatureValidator],
  ['JobValidation', jobValidation],
  ['PodResizeValidator', podResizeValidator],
  ['ResourceQuota', resourceQuota],
  ['AlwaysDeny', alwaysDeny],
]);

export interface PluginSelection {
  /** `--enable-admission-plugins`: on besides the defaults. */
  readonly enable: readonly string[];
  /** `--disable-admission-plugins`: off, also of the defaults. */
  readonly disable: readonly string[];
}

/**
 * The names of the plugins that are on. Throws an Error for unknown names, for names both enabled and disabled, and
 * for enabled plugins that this server does not have.
 */
export function selectPlugins(
  { enable, disable }: PluginSelection,
  featureEnabled: (gate: string) => boolean,
): string[] {
  const known = new Set(facts().map((fact) => fact.name));
  for (const [flag, names] of [
    ['enable', enable],
    ['disable', disable],
  ] as const) {
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0)
      throw new Error(`${flag}-admission-plugins plugin ${JSON.stringify(unknown[0])} is unknown`);
  }
  const both = enable.filter((name) => disable.includes(name));
  if (both.length > 0)
    throw new Error(`${both.join(', ')} in enable-admission-plugins and disable-admission-plugins overlapped`);
  const missing = enable.filter((name) => !makers.has(name));
  if (missing.length > 0)
    throw new Error(`admission plugin ${JSON.stringify(missing[0])} is not supported by this server`);
  return facts()
    .filter((fact) => isOn(fact, { enable, disable }) && makers.has(fact.name) && gateOpen(fact, featureEnabled))
    .map((fact) => fact.name);
}

const isOn = (fact: AdmissionPluginFact, { enable, disable }: PluginSelection): boolean =>
  (fact.default || enable.includes(fact.name)) && !disable.includes(fact.name);

const gateOpen = (fact: AdmissionPluginFact, featureEnabled: (gate: string) => boolean): boolean =>
  fact.featureGate === undefined || featureEnabled(fact.featureGate);

/**
 * All plugins that are on, in their order, with the two steps that are always there: fields in Go's order at the end of
 * the mutating phase, and the escalation check of roles and bindings. Throws as {@link selectPlugins}.
 *
 * The webhook and policy plugins join behind the built-in ones, before ResourceQuota.
 */
export function admissionPlugins(deps: AdmissionDeps, selection: PluginSelection): AdmissionPlugin[] {
  const names = selectPlugins(selection, (gate) => deps.featureEnabled(gate));
  const plugins = names.flatMap((name) => {
    const make = makers.get(name);
    return make === undefined ? [] : [make(deps)];
  });
  const quota = plugins.filter((plugin) => plugin.name === 'ResourceQuota');
  const others = plugins.filter((plugin) => plugin.name !== 'ResourceQuota');
  return [...others, fieldOrder, rbacEscalationCheck(deps), ...quota];
}

/** The defaults of upstream, with NodeRestriction as kubeadm adds it. */
export function defaultAdmissionPlugins(deps: AdmissionDeps): AdmissionPlugin[] {
  return admissionPlugins(deps, { enable: ['NodeRestriction'], disable: [] });
}
