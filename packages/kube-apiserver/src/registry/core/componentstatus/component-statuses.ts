/** The virtual resource `componentstatuses` (`pkg/registry/core/componentstatus/rest.go`). */
import { parseFieldSelector } from '@kubets/apimachinery/fields';
import { parseSelector } from '@kubets/apimachinery/labels';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { newBadRequest, newNotFound } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult } from '../../../server/types.ts';
import type { CachedObject } from '../../../storage/cache.ts';
import { methodNotAllowed, notServed } from '../../rest/errors.ts';
import { textParameter } from '../../rest/query.ts';

/** What a look at a component found: whether it is healthy, and its own words. */
export interface Health {
  readonly healthy: boolean;
  readonly message: string;
}

/** Looks at one component. A rejection counts as unknown health, with the error's text. */
export type ComponentProbe = () => Promise<Health>;

const gvk = { group: '', version: 'v1', kind: 'ComponentStatus' };
const groupResource = { group: '', resource: 'componentstatuses' };

async function conditionOf(probe: ComponentProbe): Promise<object> {
  try {
    const { healthy, message } = await probe();
    return { type: 'Healthy', status: healthy ? 'True' : 'False', ...(message !== '' && { message }) };
  } catch (error) {
    return { type: 'Healthy', status: 'Unknown', error: error instanceof Error ? error.message : String(error) };
  }
}

async function statusOf(name: string, probe: ComponentProbe): Promise<ApiObject> {
  const conditions = [await conditionOf(probe)];
  return { kind: gvk.kind, apiVersion: 'v1', metadata: { name }, conditions };
}

function entryOf(object: ApiObject): CachedObject {
  const name = object.metadata.name ?? '';
  const json = Buffer.from(JSON.stringify(object));
  return { key: name, namespace: '', name, resourceVersion: 0, labels: undefined, json, object };
}

/** Components have a name and no labels. Throws 400. */
function selectorOf(request: ApiRequest): (name: string) => boolean {
  const { query } = request;
  try {
    const fields = parseFieldSelector(textParameter(query, 'fieldSelector'));
    const labels = parseSelector(textParameter(query, 'labelSelector'));
    const unknown = fields.requirements.find((r) => r.field !== 'metadata.name');
    if (unknown !== undefined) throw new Error(`field label not supported: ${unknown.field}`);
    return (name) => fields.matches({ 'metadata.name': name }) && labels.matches({});
  } catch (error) {
    throw newBadRequest(error instanceof Error ? error.message : String(error), error);
  }
}

/**
 * Answers get and list by looking at the components anew each time. Throws 404 for unknown names and
 * 405 for other verbs. (Upstream answers 500 for an unknown name.)
 */
export function componentStatuses(
  probes: Readonly<Record<string, ComponentProbe>>,
): (request: ApiRequest) => Promise<ApiResult> {
  return async (request) => {
    const { verb, name, namespace } = request.info;
    if (namespace !== '') throw notServed();
    if (verb === 'get') {
      const probe = Object.hasOwn(probes, name) ? probes[name] : undefined;
      if (probe === undefined) throw newNotFound(groupResource, name);
      return { type: 'object', status: 200, gvk, object: await statusOf(name, probe) };
    }
    if (verb !== 'list') throw methodNotAllowed();
    const selected = selectorOf(request);
    const chosen = Object.entries(probes).filter(([component]) => selected(component));
    const objects = await Promise.all(chosen.map(([component, probe]) => statusOf(component, probe)));
    return {
      type: 'list',
      status: 200,
      gvk,
      entries: objects.map(entryOf),
      resourceVersion: '',
      continue: '',
      remainingItemCount: undefined,
    };
  };
}
