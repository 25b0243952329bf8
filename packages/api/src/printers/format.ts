/** How cells are written (`k8s.io/kubernetes/pkg/printers/internalversion/printers.go`, its helpers). */
import { humanDuration } from '@kubets/apimachinery/duration';
import { compileLabelSelector, formatLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';

/** Shown where something is absent. */
export const none = '<none>';
/** Shown where a choice was not made. */
export const unset = '<unset>';
/** Shown where the value is not known. */
export const unknown = '<unknown>';

/** What every printed object has. */
export interface Named {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string | null;
    readonly deletionTimestamp?: string | null;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** The name, empty without one. */
export const nameOf = (object: Named): string => object.metadata?.name ?? '';
/** Whether deletion was asked for. */
export const isDeleted = (object: Named): boolean => Boolean(object.metadata?.deletionTimestamp);

/** The time since a timestamp, or `<unknown>` without one. */
export function since(timestamp: string | null | undefined, now: number): string {
  return timestamp ? humanDuration(now - Date.parse(timestamp)) : unknown;
}

/** The time since creation. */
export const ageOf = (object: Named, now: number): string => since(object.metadata?.creationTimestamp, now);

/** `a=1,b=2` in the order of keys, or `<none>` (`labels.FormatLabels`). */
export function formatLabels(labels: Readonly<Record<string, string>> | null | undefined): string {
  const keys = Object.keys(labels ?? {}).toSorted();
  return keys.length === 0 ? none : keys.map((key) => `${key}=${labels?.[key]}`).join(',');
}

/** The selector, `<none>` when it is empty, `<error>` when it is invalid. */
export const formatSelector = (selector: LabelSelector | undefined): string => formatLabelSelector(selector);

/** The selector as Deployments show it: empty when it selects all, `<invalid>` when it is. */
export function plainSelector(selector: LabelSelector | undefined): string {
  try {
    return compileLabelSelector(selector).toString();
  } catch {
    // What is stored may predate validation; the row must still be shown.
    return '<invalid>';
  }
}

interface ContainerLike {
  readonly name?: string;
  readonly image?: string;
}

/** Two cells: names and images (`layoutContainerCells`). */
export function containerCells(containers: readonly ContainerLike[] | undefined): [names: string, images: string] {
  const all = containers ?? [];
  return [all.map((c) => c.name ?? '').join(','), all.map((c) => c.image ?? '').join(',')];
}

/** The first few, and how many more there are: `a,b,c + 2 more...`. */
export function firstFew(items: readonly string[], options: { max: number; separator?: string }): string {
  const { max, separator = ',' } = options;
  const shown = items.slice(0, max).join(separator);
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** `True`, `False`, or `<unset>`. */
export function optionalBool(value: boolean | undefined): string {
  return value === undefined ? unset : value ? 'True' : 'False';
}

interface IngressPoint {
  readonly ip?: string;
  readonly hostname?: string;
}

/** Addresses of a load balancer, sorted, each once. */
export function loadBalancerAddresses(ingress: readonly IngressPoint[] | undefined): string {
  const addresses = (ingress ?? []).map((point) => point.ip || point.hostname || '').filter((text) => text !== '');
  return [...new Set(addresses)].toSorted().join(',');
}

interface ConditionLike {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
}

/** The first condition of the type. */
export function conditionOf<T extends ConditionLike>(
  conditions: readonly T[] | undefined,
  type: string,
): T | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the first condition of the type is true. */
export const isTrue = (conditions: readonly ConditionLike[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True';
