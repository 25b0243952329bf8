/**
 * Built-in flow schemas and priority levels (`pkg/registry/flowcontrol/rest/storage_flowcontrol.go`,
 * `pkg/registry/flowcontrol/ensurer/strategy.go`).
 */
import { flowcontrolBootstrap, type FlowcontrolObject } from '@kubets/api/facts';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureObject } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec';

const resourceOf = (kind: FlowcontrolObject['kind']): GroupVersionResource => ({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  resource: kind === 'FlowSchema' ? 'flowschemas' : 'prioritylevelconfigurations',
});

/** Mandatory ones are put right whoever changed them; suggested ones unless a user has taken them over. Idempotent. */
export async function ensureFlowcontrol(client: InternalClient, caches: CacheDirectory): Promise<void> {
  // Priority levels come first: a flow schema names one.
  const objects = flowcontrolBootstrap().objects.toSorted((a, b) => (a.kind < b.kind ? 1 : a.kind > b.kind ? -1 : 0));
  for (const wanted of objects) await ensureOne(client, caches, wanted);
}

async function ensureOne(client: InternalClient, caches: CacheDirectory, wanted: FlowcontrolObject): Promise<void> {
  const resource = resourceOf(wanted.kind);
  const spec = structuredClone(wanted.spec) as unknown;
  const existing = caches.of(resource).get('', wanted.name)?.object;
  if (existing === undefined) {
    const { apiVersion, annotations } = flowcontrolBootstrap();
    const object: ApiObject = {
      kind: wanted.kind,
      apiVersion,
      metadata: { name: wanted.name, annotations: { ...annotations } },
      spec,
    };
    return ensureObject(client, caches, { resource, object });
  }
  const ours = wanted.mandatory || isAutoUpdated(existing);
  if (!ours || contains(existing['spec'], wanted.spec)) return;
  await client.update(resource, '', { ...structuredClone(existing), spec } as ApiObject);
}

/** Without the annotation an object is ours as long as nobody has changed its spec. */
function isAutoUpdated({ metadata }: Readonly<ApiObject>): boolean {
  const value = metadata.annotations?.[autoUpdateAnnotation];
  return value === undefined ? metadata.generation === 1 : value === 'true';
}

/** Does `actual` say all that `wanted` says? What it says more are defaults. */
function contains(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return actual === wanted;
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(wanted) && (actual as unknown[]).length !== wanted.length) return false;
  return Object.entries(wanted).every(([key, value]) => contains((actual as Record<string, unknown>)[key], value));
}
