/**
 * Pod-level resources that follow from the containers' (`pkg/apis/core/v1/defaults.go`: `defaultHugePagePodLimits`,
 * `defaultPodRequests`; `component-helpers/resource`: `AggregateContainerRequests`).
 */
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import { isObject, type JsonObject } from './path.ts';

type Amounts = Map<string, Quantity>;

const isHugePage = (name: string): boolean => name.startsWith('hugepages-');
const isPodLevel = (name: string): boolean => name === 'cpu' || name === 'memory' || isHugePage(name);
const mayOvercommit = (name: string): boolean => !isHugePage(name);

function amountsOf(container: unknown, kind: 'limits' | 'requests'): Amounts {
  const resources = isObject(container) ? container['resources'] : undefined;
  const list = isObject(resources) ? resources[kind] : undefined;
  const result: Amounts = new Map();
  if (!isObject(list)) return result;
  for (const [name, value] of Object.entries(list)) {
    if (typeof value === 'string' || typeof value === 'number') result.set(name, parseQuantity(value));
  }
  return result;
}

function addTo(total: Amounts, more: Amounts): void {
  for (const [name, amount] of more) total.set(name, total.get(name)?.add(amount) ?? amount);
}

function maxOf(total: Amounts, more: Amounts): void {
  for (const [name, amount] of more) {
    if (amount.compare(total.get(name) ?? zeroQuantity) > 0 || !total.has(name)) total.set(name, amount);
  }
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What the containers need together: all that run at once, or the hungriest init container with the sidecars before it. */
function aggregate(spec: JsonObject, kind: 'limits' | 'requests'): Amounts {
  const total: Amounts = new Map();
  for (const container of listOf(spec['containers'])) addTo(total, amountsOf(container, kind));
  const sidecars: Amounts = new Map();
  const init: Amounts = new Map();
  for (const container of listOf(spec['initContainers'])) {
    const own = amountsOf(container, kind);
    if (isObject(container) && container['restartPolicy'] === 'Always') {
      addTo(total, own);
      addTo(sidecars, own);
      maxOf(init, sidecars);
    } else {
      addTo(own, sidecars);
      maxOf(init, own);
    }
  }
  maxOf(total, init);
  return total;
}

function fill(resources: JsonObject, kind: 'limits' | 'requests', missing: ReadonlyMap<string, string>): number {
  if (missing.size === 0) return 0;
  const current = isObject(resources[kind]) ? resources[kind] : {};
  const added = Object.hasOwn(resources, kind) ? 0 : 1;
  resources[kind] = { ...current, ...Object.fromEntries(missing) };
  return added + missing.size;
}

const lacks = (resources: JsonObject, kind: string, name: string): boolean =>
  !isObject(resources[kind]) || !Object.hasOwn(resources[kind], name);

function missingLimits(spec: JsonObject, resources: JsonObject): Map<string, string> {
  const missing = new Map<string, string>();
  for (const [name, amount] of aggregate(spec, 'limits')) {
    if (isHugePage(name) && lacks(resources, 'limits', name)) missing.set(name, amount.toString());
  }
  return missing;
}

function missingRequests(spec: JsonObject, resources: JsonObject, limits: JsonObject): Map<string, string> {
  const missing = new Map<string, string>();
  for (const [name, amount] of aggregate(spec, 'requests')) {
    const wanted = isPodLevel(name) && mayOvercommit(name) && lacks(resources, 'requests', name);
    if (wanted) missing.set(name, amount.toString());
  }
  for (const [name, limit] of Object.entries(limits)) {
    const wanted = isPodLevel(name) && !missing.has(name) && lacks(resources, 'requests', name);
    if (wanted && typeof limit === 'string') missing.set(name, limit);
  }
  return missing;
}

/** Completes `spec.resources` of a pod that sets some of it. Returns the number of keys added. Throws on bad quantities. */
export function defaultPodResources(spec: JsonObject): number {
  const resources = spec['resources'];
  if (!isObject(resources)) return 0;
  const added = fill(resources, 'limits', missingLimits(spec, resources));
  const limits = resources['limits'];
  if (!isObject(limits) || Object.keys(limits).length === 0) return added;
  return added + fill(resources, 'requests', missingRequests(spec, resources, limits));
}
