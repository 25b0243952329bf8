/** Overhead and scheduling of runtime classes (`plugin/pkg/admission/runtimeclass/admission.go`). */
import type { Pod, PodSpec, Toleration } from '@kubets/api/types/core-v1';
import type { RuntimeClass } from '@kubets/api/types/node-v1';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import type { CacheDirectory, ResourceCache } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

type Overhead = NonNullable<PodSpec['overhead']>;

export function runtimeClass(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const cache = deps.caches.of({ group: 'node.k8s.io', resource: 'runtimeclasses' });
  return {
    name: 'RuntimeClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods')) return;
      const { spec } = attributes.object as unknown as Pod;
      const found = find(attributes, cache);
      if (found === undefined || spec === undefined) return;
      setOverhead(attributes, spec, found);
      setScheduling(attributes, spec, found);
    },
    validate(attributes) {
      if (!isResource(attributes, '', 'pods')) return;
      const { spec } = attributes.object as unknown as Pod;
      const fixed = find(attributes, cache)?.overhead?.podFixed;
      if (fixed !== undefined && !sameOverhead(fixed, spec?.overhead)) throw mismatch(attributes);
      if (fixed === undefined && Object.keys(spec?.overhead ?? {}).length > 0) {
        throw forbid(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      }
    },
  };
}

function find(attributes: AdmissionAttributes, cache: ResourceCache): RuntimeClass | undefined {
  const name = (attributes.object as unknown as Pod).spec?.runtimeClassName;
  if (name === undefined) return undefined;
  const entry = cache.get('', name);
  if (entry === undefined) throw forbid(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return entry.object as unknown as RuntimeClass;
}

const mismatch = (attributes: AdmissionAttributes): Error =>
  forbid(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");

function sameOverhead(a: Overhead, b: Overhead | undefined): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b ?? {}).length) return false;
  return names.every((name) => {
    const other = b?.[name];
    return other !== undefined && parseQuantity(a[name] ?? '0').equals(parseQuantity(other));
  });
}

function setOverhead(attributes: AdmissionAttributes, spec: PodSpec, found: RuntimeClass): void {
  const fixed = found.overhead?.podFixed;
  if (fixed === undefined) return;
  if (spec.overhead !== undefined && !sameOverhead(fixed, spec.overhead)) throw mismatch(attributes);
  spec.overhead = { ...fixed };
}

function setScheduling(attributes: AdmissionAttributes, spec: PodSpec, found: RuntimeClass): void {
  const { nodeSelector, tolerations } = found.scheduling ?? {};
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      throw forbid(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
    }
  }
  if (nodeSelector !== undefined) spec.nodeSelector = sortedMap({ ...nodeSelector, ...spec.nodeSelector });
  if (tolerations !== undefined) spec.tolerations = mergeTolerations(spec.tolerations ?? [], tolerations);
}

const sortedMap = (map: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function mergeTolerations(own: readonly Toleration[], added: readonly Toleration[]): Toleration[] {
  const missing = added.filter((toleration) => !own.some((other) => semanticEqual(other, toleration)));
  return [...own, ...missing];
}
