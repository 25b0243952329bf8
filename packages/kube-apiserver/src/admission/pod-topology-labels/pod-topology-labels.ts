/** Pods carry the zone and region of their node (`plugin/pkg/admission/podtopologylabels/admission.go`). */
import type { Binding, Pod } from '@kubets/api/types/core-v1';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type { CacheDirectory } from '../../storage/cache.ts';
import { isResource } from '../common/attributes.ts';
import type { AdmissionPlugin } from '../plugin.ts';

const topologyLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];

/** On bindings, whose labels the bound pod takes over, and on pods created with their node. Other values are overwritten. */
export function podTopologyLabels(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const nodes = deps.caches.of({ group: '', resource: 'nodes' });
  const copyLabels = (metadata: ObjectMeta, nodeName: string): void => {
    const labels = nodes.get('', nodeName)?.labels;
    for (const label of topologyLabels) {
      const value = labels?.[label];
      if (value !== undefined) metadata.labels = { ...metadata.labels, [label]: value };
    }
  };
  return {
    name: 'PodTopologyLabels',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      const { object } = attributes;
      if (object === undefined) return;
      if (isResource(attributes, '', 'pods')) {
        const nodeName = (object as unknown as Pod).spec?.nodeName ?? '';
        if (nodeName !== '') copyLabels(object.metadata, nodeName);
      } else if (isResource(attributes, '', 'pods', 'binding')) {
        const { target } = object as unknown as Binding;
        if (target?.kind === 'Node' && target.name) copyLabels(object.metadata, target.name);
      }
    },
  };
}
