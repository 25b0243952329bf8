/**
 * What the conformance list asks of nearly every resource, in one piece: found in the discovery
 * documents, and create, get, list, watch, patch, update, status, delete and delete of a collection
 * all do what they say, to the caller and to a watcher.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import { Refused, type Collection, type WriteOptions } from './collection.ts';
import type { Watching } from './watching.ts';

export interface Lifecycle {
  /** `apps/v1/deployments`, `v1/configmaps`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Everything but apiVersion, kind and metadata. `name` is the object's, for what has to be unique. */
  readonly make: (name: string, index: number) => Draft;
  /** Where names cannot be chosen freely. */
  readonly nameOf?: (index: number) => string;
  /** Merge patch of the status; without it the resource has no status subresource. */
  readonly status?: Draft;
  /** Further subresources that discovery has to name. */
  readonly subresources?: readonly string[];
  /** A second status, for the update. */
  readonly updatedStatus?: Draft;
  /** Writes of the status leave the metadata alone too. */
  readonly statusOnly?: boolean;
  /** A controller of the API server itself writes the status too, at any time. */
  readonly controlled?: boolean;
  /** Objects stay, marked as deleted, until something else removes their finalizers. */
  readonly finalized?: boolean;
}

interface Run {
  readonly spec: Lifecycle;
  readonly cluster: Cluster;
  readonly collection: Collection;
  readonly everywhere: Collection;
  readonly selector: string;
  readonly names: readonly string[];
  readonly created: readonly Obj[];
}

const without = (object: Obj, ...fields: readonly string[]): Draft => {
  const copy: Record<string, unknown> = { ...object };
  for (const field of fields) delete copy[field];
  return copy;
};

/** The fields outside the metadata, the status too. */
const content = (object: Obj): Draft => without(object, 'metadata', 'status', 'apiVersion', 'kind');

/** The object with these annotations besides its own. */
export function annotated(object: Obj, annotations: Record<string, string>): Obj {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}

/** The object with these labels besides its own. */
export function labelled(object: Obj, labels: Record<string, string>): Obj {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...labels } } };
}

/** Replaces what `change` makes of the object; of the newest state, once somebody else was faster. */
async function replaceWith(
  collection: Collection,
  object: Obj,
  change: (object: Obj) => Obj,
  options?: WriteOptions,
): Promise<Obj> {
  for (let current = object; ; current = await collection.get(object.metadata.name)) {
    try {
      return await collection.replace(change(current), options);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 409) throw error;
    }
  }
}

interface ResourceEntry {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** The group, its version and the resource are in the three discovery documents. */
export async function expectDiscovered(cluster: Cluster, spec: Omit<Lifecycle, 'make'>): Promise<void> {
  const parts = spec.resource.split('/');
  const plural = parts.pop() ?? '';
  const groupVersion = parts.join('/');
  const [group, version] = parts;
  const home = parts.length === 1 ? `/api/${groupVersion}` : `/apis/${groupVersion}`;
  if (version !== undefined) {
    const groups = (await cluster.document('/apis'))['groups'] as { name: string; versions: Draft[] }[];
    const found = groups.find((entry) => entry.name === group);
    expect(found?.versions).toContainEqual({ groupVersion, version });
    const alone = await cluster.document(`/apis/${group}`);
    expect(alone).toMatchObject({ kind: 'APIGroup', name: group });
    expect(alone['versions']).toContainEqual({ groupVersion, version });
  }
  const resources = (await cluster.document(home))['resources'] as ResourceEntry[];
  const entry = resources.find(({ name }) => name === plural);
  expect(entry).toMatchObject({ name: plural, kind: spec.kind, namespaced: spec.namespaced });
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  expect(entry?.verbs).toEqual(expect.arrayContaining(verbs));
  const subresources = [...(spec.status === undefined ? [] : ['status']), ...(spec.subresources ?? [])];
  for (const subresource of subresources) {
    const found = resources.find(({ name }) => name === `${plural}/${subresource}`);
    expect(found?.verbs, subresource).toEqual(expect.arrayContaining(['get', 'patch', 'update']));
  }
}

function draftOf(spec: Lifecycle, metadata: Draft, index: number): Draft {
  const apiVersion = spec.resource.split('/').slice(0, -1).join('/');
  return { apiVersion, kind: spec.kind, metadata, ...spec.make(String(metadata['name']), index) };
}

async function createThree(spec: Lifecycle, collection: Collection, label: string): Promise<Obj[]> {
  const created: Obj[] = [];
  for (let index = 0; index < 3; index++) {
    const metadata = { name: spec.nameOf?.(index) ?? unique('e2e'), labels: { 'e2e-run': label, index: `${index}` } };
    const draft = draftOf(spec, metadata, index);
    const object = await collection.create(draft);
    expect(object).toMatchObject({ apiVersion: draft['apiVersion'], kind: spec.kind, metadata });
    expect(object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(object.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    created.push(object);
  }
  return created;
}

async function readAndList(run: Run): Promise<string> {
  const { collection, everywhere, selector, names, created, spec } = run;
  const read = await collection.get(names[0] ?? '');
  expect(read.metadata.uid).toBe(created[0]?.metadata.uid);
  expect(spec.controlled === true ? content(read) : read).toEqual(
    spec.controlled === true ? content(created[0]!) : created[0],
  );
  await expect(collection.create(draftOf(spec, {}, 0))).rejects.toMatchObject({ code: 422, reason: 'Invalid' });
  const again = draftOf(spec, { name: names[0] }, 0);
  await expect(collection.create(again)).rejects.toMatchObject({ code: 409, reason: 'AlreadyExists' });
  const listed = await collection.list({ labelSelector: selector });
  expect(listed.items.map(({ metadata }) => metadata.name).toSorted()).toEqual(names.toSorted());
  const all = await everywhere.list({ labelSelector: selector });
  expect(all.items.map(({ metadata }) => metadata.uid).toSorted()).toEqual(
    created.map(({ metadata }) => metadata.uid).toSorted(),
  );
  const byName = await collection.list({ fieldSelector: `metadata.name=${names[1]}` });
  expect(byName.items.map(({ metadata }) => metadata.name)).toEqual([names[1]]);
  return listed.metadata.resourceVersion;
}

async function patchAndUpdate(run: Run, watching: Watching): Promise<void> {
  const { collection, names } = run;
  const name = names[0] ?? '';
  const before = await collection.get(name);
  const patched = await collection.patch(name, 'merge', { metadata: { annotations: { patched: 'true' } } });
  expect(patched.metadata.annotations).toMatchObject({ patched: 'true' });
  expect(content(patched)).toEqual(content(before));
  expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
  const updated = await replaceWith(collection, patched, (object) => annotated(object, { updated: 'true' }));
  expect(updated.metadata.annotations).toMatchObject({ patched: 'true', updated: 'true' });
  expect(updated.metadata.uid).toBe(before.metadata.uid);
  expect(content(updated)).toEqual(content(before));
  await expect(collection.replace(annotated(patched, { stale: 'true' }))).rejects.toMatchObject({
    code: 409,
    reason: 'Conflict',
  });
  await watching.event('MODIFIED', name, ({ metadata }) => metadata.annotations?.['patched'] === 'true');
  const seen = await watching.event('MODIFIED', name, ({ metadata }) => metadata.annotations?.['updated'] === 'true');
  expect(seen.object).toEqual(updated);
}

async function patchAndUpdateStatus(run: Run, watching: Watching): Promise<void> {
  const { collection, names, spec } = run;
  if (spec.status === undefined) return;
  const name = names[0] ?? '';
  const before = await collection.get(name);
  expect(content(await collection.get(name, 'status'))).toEqual(content(before));
  const patch = { metadata: { annotations: { patchedstatus: 'true' } }, status: spec.status };
  const patched = await collection.patch(name, 'merge', patch, { subresource: 'status' });
  expect(patched['status']).toMatchObject(spec.status);
  expect(patched.metadata.annotations?.['patchedstatus']).toBe(spec.statusOnly === true ? undefined : 'true');
  expect(content(patched)).toEqual(content(before));
  expect(patched.metadata.generation).toBe(before.metadata.generation);
  const status = { ...(patched['status'] as Draft), ...spec.updatedStatus };
  const change = (object: Obj): Obj => ({ ...annotated(object, { updatedstatus: 'true' }), status });
  const updated = await replaceWith(collection, patched, change, { subresource: 'status' });
  expect(updated['status']).toMatchObject(status);
  expect(updated.metadata.annotations?.['updatedstatus']).toBe(spec.statusOnly === true ? undefined : 'true');
  await watching.event('MODIFIED', name, (object) => isDeepStrictEqual(object['status'], updated['status']));
  const emptied = (object: Obj): Obj => ({ ...annotated(object, { aside: 'true' }), status: {} });
  const aside = await replaceWith(collection, updated, emptied);
  if (spec.controlled === true) return;
  expect(aside['status'], 'the main resource leaves the status alone').toEqual(updated['status']);
  expect((await collection.get(name, 'status'))['status']).toEqual(updated['status']);
}

/** Takes finalizers away, as the controller that put them there would. */
export async function unfinalize(collection: Collection, selector: string): Promise<void> {
  for (const { metadata } of (await collection.list({ labelSelector: selector })).items) {
    expect(metadata.deletionTimestamp).toBeDefined();
    await collection.patch(metadata.name, 'merge', { metadata: { finalizers: null } });
  }
}

async function deleteAll(run: Run, watching: Watching): Promise<void> {
  const { collection, names, selector, spec } = run;
  const first = names[0] ?? '';
  await collection.delete(first);
  if (spec.finalized === true) await unfinalize(collection, `${selector},index=0`);
  await expect(collection.get(first)).rejects.toMatchObject({ code: 404, reason: 'NotFound' });
  await expect(collection.delete(first)).rejects.toMatchObject({ code: 404 });
  await watching.event('DELETED', first);
  expect((await collection.list({ labelSelector: selector })).items).toHaveLength(2);
  await collection.deleteCollection({ labelSelector: selector });
  if (spec.finalized === true) await unfinalize(collection, selector);
  expect((await collection.list({ labelSelector: selector })).items).toEqual([]);
  for (const name of names) await watching.event('DELETED', name);
}

/** Server-side apply: creates, does nothing when nothing is new, changes, gives fields back, and tells of conflicts. */
async function applyIt(run: Run): Promise<void> {
  const { collection, spec, selector } = run;
  const name = spec.nameOf?.(0) ?? unique('e2e');
  const [key = '', value = ''] = selector.split('=');
  const draft = (annotations?: Draft): Draft & { readonly metadata: { readonly name: string } } => {
    const metadata = { name, labels: { [key]: value }, ...(annotations && { annotations }) };
    return { ...draftOf(spec, metadata, 0), metadata };
  };
  const query = { fieldManager: 'first' };
  const created = await collection.apply(draft({ note: 'one' }), query);
  const applied = created.metadata.managedFields?.filter(({ operation }) => operation === 'Apply');
  expect(applied).toMatchObject([{ manager: 'first', operation: 'Apply' }]);
  const same = await collection.apply(draft({ note: 'one' }), query);
  expect(content(same)).toEqual(content(created));
  if (spec.controlled !== true) expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  const other = { fieldManager: 'second' };
  const refused = await collection.apply(draft({ note: 'two' }), other).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 409, reason: 'Conflict' });
  // Lists that count as one value and hold defaults conflict too.
  expect(String(refused)).toMatch(/conflicts? with \\"first\\":.*\.metadata\.annotations\.note/);
  const forced = await collection.apply(draft({ note: 'two' }), { ...other, force: 'true' });
  expect(forced.metadata.annotations).toMatchObject({ note: 'two' });
  const released = await collection.apply(draft(), other);
  expect(released.metadata.annotations?.['note']).toBeUndefined();
  expect(content(released)).toEqual(content(created));
  await collection.delete(name);
  if (spec.finalized === true) await unfinalize(collection, selector);
}

/** Holds one resource to all of it. */
export async function exerciseLifecycle(cluster: Cluster, spec: Lifecycle): Promise<void> {
  await expectDiscovered(cluster, spec);
  const namespace = spec.namespaced ? await cluster.namespace() : undefined;
  const label = unique('run');
  const collection = cluster.of(spec.resource, namespace);
  const created = await createThree(spec, collection, label);
  const names = created.map(({ metadata }) => metadata.name);
  const everywhere = cluster.of(spec.resource);
  const run: Run = { spec, cluster, collection, everywhere, selector: `e2e-run=${label}`, names, created };
  const resourceVersion = await readAndList(run);
  using watching = await everywhere.watch({ labelSelector: run.selector, resourceVersion });
  await patchAndUpdate(run, watching);
  await patchAndUpdateStatus(run, watching);
  await deleteAll(run, watching);
  expect(watching.events.some(({ type }) => type === 'ADDED')).toBe(false);
  await applyIt(run);
}
