/** Pod Security Standards per namespace (`k8s.io/pod-security-admission/admission/admission.go`). */
import type { Pod, PodSpec } from '@kubets/api/types/core-v1';
import type { Clock } from '@kubets/apimachinery/clock';
import { aggregateText } from '@kubets/apimachinery/field';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import { newInternalError, newInvalid } from '@kubets/apimachinery/status';
import type { CacheDirectory, CachedObject, ResourceCache } from '../../storage/cache.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import { evaluatePod, violationDetails, violationReasons } from './evaluate.ts';
import { podTemplateOf } from './pod-template.ts';
import {
  compareLevels,
  levelVersionText,
  policyOf,
  privilegedPolicy,
  sameLevelVersion,
  type LevelVersion,
  type Policy,
  type PolicyResult,
} from './policy.ts';
import { isSignificantUpdate } from './significant-update.ts';

export interface PodSecurityExemptions {
  readonly usernames: readonly string[];
  readonly namespaces: readonly string[];
  readonly runtimeClasses: readonly string[];
}

export interface PodSecurityDeps {
  readonly caches: CacheDirectory;
  readonly clock: Clock;
  /** What holds without labels; default: nothing is forbidden. */
  readonly defaults?: Policy;
  readonly exemptions?: PodSecurityExemptions;
}

const noExemptions: PodSecurityExemptions = { usernames: [], namespaces: [], runtimeClasses: [] };
const annotationPrefix = 'pod-security.kubernetes.io/';

/** Every other subresource of a pod may change what is checked. */
const ignoredSubresources = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);

/** Checks of all pods of a namespace end after so many, or after so long. */
const maxPodsToCheck = 3000;
const maxCheckMs = 1000;

export function podSecurity(deps: PodSecurityDeps): AdmissionPlugin {
  const security = new PodSecurity(deps);
  return {
    name: 'PodSecurity',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate: (attributes) => security.validate(attributes),
  };
}

class PodSecurity {
  readonly #deps: PodSecurityDeps;
  readonly #defaults: Policy;
  readonly #exemptions: PodSecurityExemptions;
  readonly #namespaces: ResourceCache;
  /** Read once per version of a namespace. */
  readonly #policies = new WeakMap<CachedObject, PolicyResult>();

  constructor(deps: PodSecurityDeps) {
    this.#deps = deps;
    this.#defaults = deps.defaults ?? privilegedPolicy;
    this.#exemptions = deps.exemptions ?? noExemptions;
    this.#namespaces = deps.caches.of({ group: '', resource: 'namespaces' });
  }

  validate(attributes: AdmissionAttributes): void {
    const { group, resource } = attributes.resource;
    if (group === '' && resource === 'namespaces') return this.#namespace(attributes);
    if (group === '' && resource === 'pods') return this.#pod(attributes);
    return this.#template(attributes);
  }

  #namespace(attributes: AdmissionAttributes): void {
    if (attributes.subresource !== '' || attributes.object === undefined) return;
    const { policy, errors } = policyOf(attributes.object.metadata.labels, this.#defaults);
    const old =
      attributes.oldObject === undefined ? undefined : policyOf(attributes.oldObject.metadata.labels, this.#defaults);
    if (errors.length > 0 && (old === undefined || aggregateText(errors) !== aggregateText(old.errors))) {
      throw newInvalid(
        { group: '', kind: 'Namespace' },
        attributes.name || (attributes.object.metadata.name ?? ''),
        errors,
      );
    }
    if (old === undefined || !isStricter(policy.enforce, old.policy.enforce)) return;
    const name = attributes.object.metadata.name ?? '';
    if (this.#exemptions.namespaces.includes(name)) return;
    for (const warning of this.#warningsFor(name, policy.enforce)) attributes.warn(warning);
  }

  #pod(attributes: AdmissionAttributes): void {
    if (ignoredSubresources.has(attributes.subresource) || this.#isExempt(attributes)) return;
    const found = this.#policyIn(attributes.namespace);
    const { enforce, warn, audit } = found.policy;
    if (enforce.level === 'privileged' && warn.level === 'privileged' && audit.level === 'privileged') return;
    const pod = attributes.object as unknown as Pod;
    const old = attributes.oldObject as unknown as Pod | undefined;
    if (old !== undefined && attributes.operation === 'UPDATE' && !isSignificantUpdate(pod, old)) return;
    if (pod.spec !== undefined)
      this.#evaluate(attributes, found, { metadata: pod.metadata, spec: pod.spec, enforced: true });
  }

  /** Objects that make pods: they are admitted, but what their pods will meet with is told. */
  #template(attributes: AdmissionAttributes): void {
    if (attributes.subresource !== '' || attributes.object === undefined) return;
    const template = podTemplateOf(attributes.resource, attributes.object);
    if (template?.spec === undefined || this.#isExempt(attributes)) return;
    const found = this.#policyIn(attributes.namespace);
    if (found.policy.warn.level === 'privileged' && found.policy.audit.level === 'privileged') return;
    this.#evaluate(attributes, found, { metadata: template.metadata ?? {}, spec: template.spec, enforced: false });
  }

  #isExempt({ namespace, user }: AdmissionAttributes): boolean {
    return this.#exemptions.namespaces.includes(namespace) || this.#exemptions.usernames.includes(user.name);
  }

  #policyIn(namespace: string): PolicyResult {
    const entry = this.#namespaces.get('', namespace);
    if (entry === undefined) throw newInternalError(new Error(`failed to lookup namespace ${namespace}`));
    let result = this.#policies.get(entry);
    if (result === undefined) {
      result = policyOf(entry.labels, this.#defaults);
      this.#policies.set(entry, result);
    }
    return result;
  }

  #evaluate(
    attributes: AdmissionAttributes,
    found: PolicyResult,
    given: { metadata: ObjectMeta; spec: PodSpec; enforced: boolean },
  ): void {
    if (this.#exemptions.runtimeClasses.includes(given.spec.runtimeClassName ?? '')) return;
    const { policy, errors } = found;
    const details = (wanted: LevelVersion): string => violationDetails(evaluatePod(wanted, given.metadata, given.spec));
    if (errors.length > 0)
      attributes.annotate(`${annotationPrefix}error`, `Failed to parse policy: ${aggregateText(errors)}`);
    const audited = details(policy.audit);
    if (audited !== '') {
      attributes.annotate(
        `${annotationPrefix}audit-violations`,
        `would violate PodSecurity ${describe(policy.audit)}: ${audited}`,
      );
    }
    if (given.enforced) {
      attributes.annotate(`${annotationPrefix}enforce-policy`, levelVersionText(policy.enforce));
      const forbidden = details(policy.enforce);
      if (forbidden !== '') throw forbid(attributes, `violates PodSecurity ${describe(policy.enforce)}: ${forbidden}`);
    }
    const warned = details(policy.warn);
    if (warned !== '') attributes.warn(`would violate PodSecurity ${describe(policy.warn)}: ${warned}`);
  }

  /** What the pods that are there would violate; pods with the same faults share a line. */
  #warningsFor(namespace: string, enforce: LevelVersion): string[] {
    const pods = [...this.#deps.caches.of({ group: '', resource: 'pods' }).list(namespace)];
    const deadline = this.#deps.clock.monotonic() + maxCheckMs;
    const namesByFault = new Map<string, string[]>();
    let checked = 0;
    for (const entry of pods.slice(0, maxPodsToCheck)) {
      checked++;
      const { metadata, spec } = entry.object as unknown as Pod;
      if (spec === undefined || this.#exemptions.runtimeClasses.includes(spec.runtimeClassName ?? '')) continue;
      const fault = violationReasons(evaluatePod(enforce, metadata, spec));
      if (fault !== '') namesByFault.set(fault, [...(namesByFault.get(fault) ?? []), entry.name]);
      if (this.#deps.clock.monotonic() > deadline) break;
    }
    const warnings: string[] = [];
    if (checked < pods.length) {
      warnings.push(
        `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
      );
    }
    if (namesByFault.size > 0) {
      warnings.push(
        `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${describe(enforce)}`,
      );
    }
    return [...warnings, ...[...namesByFault].map(([fault, names]) => `${namesText(names)}: ${fault}`).toSorted()];
  }
}

const describe = (wanted: LevelVersion): string => JSON.stringify(levelVersionText(wanted));

/** `a`, `a (and 1 other pod)`, `a (and 2 other pods)`. */
function namesText(names: readonly string[]): string {
  const [first = ''] = names.toSorted();
  const others = names.length - 1;
  if (others === 0) return first;
  return `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
}

function isStricter(now: LevelVersion, before: LevelVersion): boolean {
  if (sameLevelVersion(now, before) || now.level === 'privileged') return false;
  return now.version !== before.version || compareLevels(now.level, before.level) > 0;
}
