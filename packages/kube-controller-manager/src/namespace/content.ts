/** What is left in a namespace, and how long it may take (`namespaced_resources_deleter.go`). Pure. */
import type { Namespace, Pod } from '@kubets/api/types/core-v1';
import { apiVersionOf, type ApiObject, type GroupVersionResource } from '@kubets/apimachinery/meta';
import { remainingName, type DeletionFindings } from './conditions.ts';

/** What became of one resource in one attempt. */
export interface ResourceOutcome {
  readonly resource: GroupVersionResource;
  readonly remaining: number;
  readonly finalizers: ReadonlyMap<string, number>;
  /** Seconds after which to look again; 0: nothing is expected to go by itself. */
  readonly estimateSeconds: number;
  readonly error?: unknown;
}

/** Objects that wait for somebody's finalizer: so long is given to whoever removes it (`finalizerEstimateSeconds`). */
const finalizerEstimateSeconds = 15;

const noFinalizers: ReadonlyMap<string, number> = new Map();

export const isPods = ({ group, resource }: GroupVersionResource): boolean => group === '' && resource === 'pods';

/** As Go prints a GroupVersionResource. */
const gvrText = (resource: GroupVersionResource): string =>
  `${resource.group}/${resource.version}, Resource=${resource.resource}`;

/** The longest grace of any pod that has not ended, in seconds; 0 when it is over by now (`estimateGracefulTermination`). */
export function graceOf(pods: readonly Readonly<ApiObject>[], sinceDeletionMs: number): number {
  let longest = 0;
  for (const object of pods) {
    const { status, spec } = object as Readonly<Pod>;
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
    longest = Math.max(longest, spec?.terminationGracePeriodSeconds ?? 0);
  }
  return sinceDeletionMs >= longest * 1000 ? 0 : longest;
}

/** Nothing is there. */
export const emptied = (resource: GroupVersionResource): ResourceOutcome => ({
  resource,
  remaining: 0,
  finalizers: noFinalizers,
  estimateSeconds: 0,
});

/** Could not be emptied. */
export const failed = (resource: GroupVersionResource, error: unknown, estimateSeconds = 0): ResourceOutcome => ({
  ...emptied(resource),
  estimateSeconds,
  error,
});

/** Judges what a list shows after everything has been told to go (`deleteAllContentForGroupVersionResource`). */
export function outcomeOf(
  resource: GroupVersionResource,
  namespace: string,
  left: { readonly items: readonly Readonly<ApiObject>[]; readonly graceSeconds: number },
): ResourceOutcome {
  const remaining = left.items.length;
  if (remaining === 0) return emptied(resource);
  const finalizers = new Map<string, number>();
  for (const { metadata } of left.items)
    for (const finalizer of metadata.finalizers ?? []) finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  const seen = { resource, remaining, finalizers };
  if (left.graceSeconds > 0) return { ...seen, estimateSeconds: left.graceSeconds };
  if (finalizers.size > 0) return { ...seen, estimateSeconds: finalizerEstimateSeconds };
  const text = `unexpected items still remain in namespace: ${namespace} for gvr: ${gvrText(resource)}`;
  return { ...seen, estimateSeconds: 0, error: new Error(text) };
}

/** What the conditions are made of. */
export function findingsOf(
  outcomes: readonly ResourceOutcome[],
  discovery: { readonly error?: unknown; readonly groupVersions?: string },
): DeletionFindings {
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.remaining > 0) remaining.set(remainingName(outcome.resource), outcome.remaining);
    for (const [name, count] of outcome.finalizers) finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  }
  return {
    ...(discovery.error === undefined ? {} : { discovery: discovery.error }),
    ...(discovery.groupVersions === undefined ? {} : { groupVersions: discovery.groupVersions }),
    failures: outcomes.flatMap(({ error }) => (error === undefined ? [] : [error])),
    remaining,
    finalizers,
  };
}

/** The first name of a group version that cannot be read, as an error's text (`schema.ParseGroupVersion`). */
export function unreadableGroupVersion(resources: readonly GroupVersionResource[]): string | undefined {
  const bad = resources.find(({ group, version }) => group.includes('/') || version.includes('/'));
  return bad === undefined ? undefined : `unexpected GroupVersion string: ${apiVersionOf(bad)}`;
}

const ours = 'kubernetes';

/** Nobody waits for us any more. */
export const isFinalized = (namespace: Readonly<Namespace>): boolean =>
  namespace.spec?.finalizers?.includes(ours) !== true;

/** The namespace without our finalizer. */
export const finalizedNamespace = (namespace: Readonly<Namespace>): Namespace => ({
  ...namespace,
  spec: { ...namespace.spec, finalizers: (namespace.spec?.finalizers ?? []).filter((name) => name !== ours) },
});
