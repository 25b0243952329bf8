/**
 * ControllerRevisions as StatefulSets and DaemonSets keep them: pod templates of the past
 * (upstream `pkg/controller/history/controller_history.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { ControllerRevision } from '@kubets/api/types/apps-v1';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import type { Resource } from '@kubets/client';
import { controllerRef } from '../lib/owner-references.ts';
import { canonicalJson, hashRevisionData, revisionName } from './revision-hash.ts';

/** The label that holds the hash of a revision's data. */
export const revisionHashLabel = 'controller.kubernetes.io/hash';
/** The label of pods, and of DaemonSets' revisions, that names the revision. */
export const podRevisionLabel = 'controller-revision-hash';

type Revision = Readonly<ControllerRevision>;

const texts = new WeakMap<object, string>();

/**
 * The patch that brings an owner's pod template back, which is what a revision holds, as {@link canonicalJson} (`getPatch`);
 * made once for each template object.
 */
export function templatePatch(template: Readonly<PodTemplateSpec>): string {
  let text = texts.get(template);
  if (text === undefined) {
    text = canonicalJson({ spec: { template: { ...template, $patch: 'replace' } } });
    texts.set(template, text);
  }
  return text;
}

function heldTemplate(revision: Revision): Readonly<PodTemplateSpec> | undefined {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } } | null | undefined;
  const template = data?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

/** The pod template that a revision holds. Throws when it holds none. */
export function templateOf(revision: Revision): Readonly<PodTemplateSpec> {
  const template = heldTemplate(revision);
  if (template === undefined) throw new Error(`ControllerRevision ${revision.metadata.name} holds no pod template`);
  return template;
}

/** A revision's data as {@link canonicalJson}; made once for each object. */
export function dataText(revision: Revision): string {
  const { data } = revision;
  if (typeof data !== 'object' || data === null) return canonicalJson(data);
  let text = texts.get(data);
  if (text === undefined) texts.set(data, (text = canonicalJson(data)));
  return text;
}

/** Whether both hold the same data (`EqualRevision`). */
export const equalRevisions = (a: Revision, b: Revision): boolean => a === b || dataText(a) === dataText(b);

/** What a new revision is made of. */
export interface NewRevision<T extends ApiObject> {
  readonly owner: Readonly<T>;
  readonly resource: Resource<T>;
  readonly template: Readonly<PodTemplateSpec>;
  readonly revision: number;
  readonly collisionCount: number;
}

/** A revision that holds the template, labelled like its pods and owned by `owner`; not created yet (`NewControllerRevision`). */
export function newControllerRevision<T extends ApiObject>(options: NewRevision<T>): ControllerRevision {
  const { owner, resource, template, revision, collisionCount } = options;
  const text = templatePatch(template);
  const hash = hashRevisionData(text, collisionCount);
  const { annotations } = owner.metadata;
  return {
    kind: 'ControllerRevision',
    apiVersion: 'apps/v1',
    metadata: {
      name: revisionName(owner.metadata.name ?? '', hash),
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      labels: { ...template.metadata?.labels, [revisionHashLabel]: hash },
      ...(annotations && { annotations: { ...annotations } }),
      ownerReferences: [controllerRef(owner, resource)],
    },
    // Keys in the order of the text: upstream's controllers and kubectl compare the bytes.
    data: JSON.parse(text) as unknown,
    revision,
  };
}

function compareRevisions(a: Revision, b: Revision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

/** Oldest first: by revision, then creation, then name (`SortControllerRevisions`). */
export const sortRevisions = (revisions: readonly Revision[]): Revision[] => revisions.toSorted(compareRevisions);

/** The number that follows those of `revisions`, which are sorted; 1 when there are none. */
export const nextRevisionNumber = (revisions: readonly Revision[]): number => (revisions.at(-1)?.revision ?? 0) + 1;

/** What is to be done so that the template has a revision. */
export type RevisionChoice =
  /** It is the latest one. */
  | { readonly type: 'keep'; readonly revision: Revision }
  /** It was one before: it becomes the latest again, under this number. */
  | { readonly type: 'renumber'; readonly revision: Revision; readonly number: number }
  | { readonly type: 'create'; readonly revision: ControllerRevision };

/**
 * Finds or makes up the revision of the owner's present template among `revisions`, which are sorted
 * (`getStatefulSetRevisions`). A latest revision that differs in writing only (null fields of another version's encoder) is
 * the present one too, unless `exact` is asked for (feature gate StatefulSetSemanticRevisionComparison).
 */
export function chooseRevision<T extends ApiObject>(
  revisions: readonly Revision[],
  options: Omit<NewRevision<T>, 'revision'> & { readonly exact?: boolean },
): RevisionChoice {
  const text = templatePatch(options.template);
  const number = nextRevisionNumber(revisions);
  const latest = revisions.at(-1);
  const equal = revisions.findLast((revision) => dataText(revision) === text);
  if (latest !== undefined && equal !== undefined) {
    if (equalRevisions(latest, equal)) return { type: 'keep', revision: latest };
    return { type: 'renumber', revision: equal, number };
  }
  if (latest !== undefined && options.exact !== true && semanticEqual(heldTemplate(latest), options.template)) {
    return { type: 'keep', revision: latest };
  }
  return { type: 'create', revision: newControllerRevision({ ...options, revision: number }) };
}
