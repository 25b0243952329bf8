/** The pod template inside the kinds that make pods. */
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';
import type { ApiObject, GroupResource } from '@kubets/apimachinery/meta';

const inSpec = (object: Readonly<ApiObject>): PodTemplateSpec | undefined =>
  (object['spec'] as { template?: PodTemplateSpec } | undefined)?.template;

const extractors: ReadonlyMap<string, (object: Readonly<ApiObject>) => PodTemplateSpec | undefined> = new Map([
  ['/replicationcontrollers', inSpec],
  ['/podtemplates', (object: Readonly<ApiObject>) => object['template'] as PodTemplateSpec | undefined],
  ['apps/replicasets', inSpec],
  ['apps/deployments', inSpec],
  ['apps/statefulsets', inSpec],
  ['apps/daemonsets', inSpec],
  ['batch/jobs', inSpec],
  [
    'batch/cronjobs',
    (object: Readonly<ApiObject>) =>
      (object['spec'] as { jobTemplate?: { spec?: { template?: PodTemplateSpec } } } | undefined)?.jobTemplate?.spec
        ?.template,
  ],
]);

/** `undefined` for other kinds, and for objects without a template. */
export function podTemplateOf(resource: GroupResource, object: Readonly<ApiObject>): PodTemplateSpec | undefined {
  return extractors.get(`${resource.group}/${resource.resource}`)?.(object);
}
