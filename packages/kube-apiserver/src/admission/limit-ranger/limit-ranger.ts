/** Defaults and bounds for what pods and claims ask for (`plugin/pkg/admission/limitranger/admission.go`). */
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
} from '@kubets/api/types/core-v1';
import { aggregateContainers } from '@kubets/api/core/validation/pod-resources';
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import { aggregateErrors } from '../../authorization/rbac/rbac-authorizer.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import { maximum, maximumRequest, minimum, ratio, type Observed } from './constraints.ts';

type Resources = Record<string, string>;

const setAnnotation = 'kubernetes.io/limit-ranger';

/** Pods when they are created or resized; claims also when they are updated. */
export function limitRanger(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of({ group: '', resource: 'limitranges' });
  const rangesFor = (attributes: AdmissionAttributes): LimitRange[] => {
    if (!concerns(attributes)) return [];
    const ranges: LimitRange[] = [];
    for (const entry of cache.list(attributes.namespace)) ranges.push(entry.object as unknown as LimitRange);
    return ranges;
  };
  return {
    name: 'LimitRanger',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (attributes.resource.resource !== 'pods' || attributes.subresource !== '') return;
      for (const range of rangesFor(attributes)) setDefaults(attributes.object as unknown as Pod, range);
    },
    validate(attributes) {
      for (const range of rangesFor(attributes)) {
        const problems = problemsOf(attributes, range);
        if (problems.length > 0) throw forbid(attributes, aggregateErrors(problems));
      }
    },
  };
}

function concerns({ resource, subresource, operation }: AdmissionAttributes): boolean {
  if (resource.group !== '') return false;
  if (resource.resource === 'persistentvolumeclaims') return subresource === '';
  if (resource.resource !== 'pods') return false;
  return operation === 'CREATE' ? subresource === '' : subresource === 'resize';
}

function problemsOf(attributes: AdmissionAttributes, range: LimitRange): string[] {
  const items = range.spec?.limits ?? [];
  if (attributes.resource.resource === 'pods') {
    const { spec } = attributes.object as unknown as Pod;
    return spec === undefined ? [] : items.flatMap((item) => podProblems(spec, item));
  }
  const claim = attributes.object as unknown as PersistentVolumeClaim;
  return items.flatMap((item) => (item.type === 'PersistentVolumeClaim' ? claimProblems(claim, item) : []));
}

/** Sets what is missing, and notes it in an annotation. */
function setDefaults(pod: Pod, range: LimitRange): void {
  const { spec } = pod;
  if (spec === undefined) return;
  const requests: Resources = {};
  const limits: Resources = {};
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    Object.assign(requests, item.defaultRequest);
    Object.assign(limits, item.default);
  }
  const notes = [
    ...(spec.containers ?? []).flatMap((container) => fill(container, 'container', { requests, limits })),
    ...(spec.initContainers ?? []).flatMap((container) => fill(container, 'init container', { requests, limits })),
  ];
  if (notes.length === 0) return;
  const { annotations } = pod.metadata;
  pod.metadata.annotations = { ...annotations, [setAnnotation]: `LimitRanger plugin set: ${notes.join('; ')}` };
}

function fill(container: Container, what: string, defaults: { requests: Resources; limits: Resources }): string[] {
  const notes: string[] = [];
  const changed = { ...container.resources };
  for (const [list, word] of [
    ['requests', 'request'],
    ['limits', 'limit'],
  ] as const) {
    const own = container.resources?.[list];
    const missing = Object.keys(defaults[list]).filter((name) => own?.[name] === undefined);
    if (missing.length === 0) continue;
    changed[list] = sorted({
      ...own,
      ...Object.fromEntries(missing.map((name) => [name, defaults[list][name] ?? '0'])),
    });
    notes.push(`${missing.toSorted().join(', ')} ${word} for ${what} ${container.name}`);
  }
  if (notes.length > 0) {
    const { limits, requests, ...rest } = changed;
    container.resources = { ...(limits && { limits }), ...(requests && { requests }), ...rest };
  }
  return notes;
}

const sorted = (list: Resources): Resources =>
  Object.fromEntries(Object.entries(list).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function podProblems(spec: PodSpec, item: LimitRangeItem): string[] {
  if (item.type === 'Container') {
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    return containers.flatMap((container) =>
      problems(item, observedOf(container.resources?.requests, container.resources?.limits)),
    );
  }
  if (item.type !== 'Pod') return [];
  const requests = aggregateContainers(spec, 'requests');
  const limits = aggregateContainers(spec, 'limits');
  overlay(requests, spec.resources?.requests);
  overlay(limits, spec.resources?.limits);
  return problems(item, (name) => ({ request: requests.get(name), limit: limits.get(name) }));
}

/** What is asked for at the level of the pod counts instead of the sum of its containers. */
function overlay(totals: Map<string, Quantity>, own: Resources | undefined): void {
  for (const [name, value] of Object.entries(own ?? {})) totals.set(name, parseQuantity(value));
}

function observedOf(requests: Resources | undefined, limits: Resources | undefined): (name: string) => Observed {
  const quantity = (list: Resources | undefined, name: string): Quantity | undefined => {
    const text = list?.[name];
    return text === undefined ? undefined : parseQuantity(text);
  };
  return (name) => ({ request: quantity(requests, name), limit: quantity(limits, name) });
}

function problems(item: LimitRangeItem, observed: (name: string) => Observed): string[] {
  const checks = [
    [minimum, item.min],
    [maximum, item.max],
    [ratio, item.maxLimitRequestRatio],
  ] as const;
  return checks.flatMap(([check, bounds]) => bounded(check, item.type, bounds, observed));
}

function bounded(
  check: typeof minimum,
  type: string,
  bounds: Resources | undefined,
  observed: (name: string) => Observed,
): string[] {
  const found = Object.entries(bounds ?? {}).map(([resource, value]) =>
    check({ type, resource, enforced: parseQuantity(value) }, observed(resource)),
  );
  return found.filter((problem) => problem !== undefined);
}

function claimProblems(claim: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  const observed = observedOf(claim.spec?.resources?.requests, undefined);
  return [
    ...bounded(minimum, item.type, item.min, observed),
    ...bounded(maximumRequest, item.type, item.max, observed),
  ];
}
