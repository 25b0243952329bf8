/**
 * Which Services a pod is behind, and which pods a Service has, without looking at all of them (upstream
 * `staging/src/k8s.io/endpointslice/util/controller_utils.go`, `GetServicesToUpdate`).
 */
import { isPodReady } from '@kubets/api/core/helpers/pod';
import type { Pod, Service } from '@kubets/api/types/core-v1';
import { keyOf, type Indexer, type SharedInformer, type WorkQueue } from '@kubets/client';
import { ensureIndex } from '../lib/ensure-index.ts';

type Labels = Readonly<Record<string, string>>;

/** Services by one pair of their selector; those with an empty selector are not found. */
const selectorPairIndex = 'selectorPair';
/** Pods by every label. */
const labelPairIndex = 'labelPair';

const pairKey = (namespace: string, label: string, value: string): string => `${namespace}/${label}=${value}`;

/** Any pair does, as long as it is always the same one. */
function selectorPair(service: Readonly<Service>): readonly string[] {
  const [first] = Object.entries(service.spec?.selector ?? {});
  return first === undefined ? [] : [pairKey(service.metadata.namespace ?? '', first[0], first[1])];
}

function labelPairs(pod: Readonly<Pod>): readonly string[] {
  const { labels, namespace = '' } = pod.metadata;
  if (labels === undefined) return [];
  const keys: string[] = [];
  for (const label in labels) keys.push(pairKey(namespace, label, labels[label] as string));
  return keys;
}

function matches(selector: Labels | undefined, labels: Labels): boolean {
  for (const label in selector) if (labels[label] !== selector[label]) return false;
  return true;
}

/** The indexes that the functions below need; the informers may have them already. */
function indexServicesAndPods(pods: SharedInformer<Pod>, services: SharedInformer<Service>): void {
  ensureIndex(pods, labelPairIndex, labelPairs);
  ensureIndex(services, selectorPairIndex, selectorPair);
}

/** The pods that the Service's selector matches; none when it has no selector. */
export function podsOf(store: Pick<Indexer<Pod>, 'byIndex'>, service: Readonly<Service>): readonly Readonly<Pod>[] {
  const [pair] = selectorPair(service);
  if (pair === undefined) return [];
  const selector = service.spec?.selector;
  return store.byIndex(labelPairIndex, pair).filter((pod) => matches(selector, pod.metadata.labels ?? {}));
}

/** The keys of the Services whose selector matches these labels. */
function servicesMatching(
  store: Pick<Indexer<Service>, 'byIndex'>,
  namespace: string,
  labels: Labels | undefined,
): Set<string> {
  const keys = new Set<string>();
  if (labels === undefined) return keys;
  for (const label in labels) {
    for (const service of store.byIndex(selectorPairIndex, pairKey(namespace, label, labels[label] as string))) {
      if (matches(service.spec?.selector, labels)) keys.add(keyOf(service));
    }
  }
  return keys;
}

/** The keys of the Services that a pod is behind. */
export const servicesOf = (store: Pick<Indexer<Service>, 'byIndex'>, pod: Readonly<Pod>): ReadonlySet<string> =>
  servicesMatching(store, pod.metadata.namespace ?? '', pod.metadata.labels);

function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === b) return true;
  const left = Object.keys(a ?? {});
  return left.length === Object.keys(b ?? {}).length && left.every((label) => a?.[label] === b?.[label]);
}

/** Whether a change may show in endpoints (`podEndpointsChanged`); phases that end a pod take it out of them. */
function endpointChanged(old: Readonly<Pod>, pod: Readonly<Pod>): boolean {
  if (old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp) return true;
  if (isPodReady(old) !== isPodReady(pod) || old.status?.phase !== pod.status?.phase) return true;
  const before = old.status?.podIPs ?? [];
  const now = pod.status?.podIPs ?? [];
  return before.length !== now.length || before.some(({ ip }, i) => ip !== now[i]?.ip);
}

const none: ReadonlySet<string> = new Set();

/** The keys of the Services that a change of a pod concerns. */
export function servicesOfChange(
  store: Pick<Indexer<Service>, 'byIndex'>,
  old: Readonly<Pod>,
  pod: Readonly<Pod>,
): ReadonlySet<string> {
  if (old === pod || old.metadata.resourceVersion === pod.metadata.resourceVersion) return none;
  const changed = endpointChanged(old, pod);
  const moved =
    !sameLabels(old.metadata.labels, pod.metadata.labels) ||
    old.spec?.hostname !== pod.spec?.hostname ||
    old.spec?.subdomain !== pod.spec?.subdomain;
  if (!changed && !moved) return none;
  const now = servicesOf(store, pod);
  if (!moved) return now;
  const before = servicesOf(store, old);
  return changed ? now.union(before) : now.symmetricDifference(before);
}

/**
 * For how many milliseconds changes of pods are gathered: none for small Services, up to half a second for such with thousands
 * of pods, for which each look takes milliseconds.
 */
const gatherMs = (pods: number): number => (pods < 100 ? 0 : Math.min(500, pods / 10));

/** Queues Services that change and those whose pods do. `sizes`: how many pods are behind a Service; may lag. */
export function followServicesAndPods(
  services: SharedInformer<Service>,
  pods: SharedInformer<Pod>,
  { queue, sizes }: { readonly queue: WorkQueue<string>; readonly sizes: ReadonlyMap<string, number> },
): void {
  indexServicesAndPods(pods, services);
  const add = (service: Readonly<Service>): void => queue.add(keyOf(service));
  services.addEventHandler({ onAdd: add, onUpdate: (_, service) => add(service), onDelete: add });
  const { store } = services;
  const each = (keys: ReadonlySet<string>): void => {
    for (const key of keys) queue.addAfter(key, gatherMs(sizes.get(key) ?? 0));
  };
  const ofPod = (pod: Readonly<Pod>): void => each(servicesOf(store, pod));
  pods.addEventHandler({
    onAdd: ofPod,
    onUpdate: (old, pod) => each(servicesOfChange(store, old, pod)),
    onDelete: ofPod,
  });
}
