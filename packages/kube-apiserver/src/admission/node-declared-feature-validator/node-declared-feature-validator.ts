/** A pod on a node changes only as far as the node can follow (`plugin/pkg/admission/nodedeclaredfeatures/admission.go`). */
import { featuresForUpdate, undeclaredFeatures } from '@kubets/api/core/helpers/node-declared-features';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import { changeOfBoundPod, nodeOfPod } from '../common/pod-node.ts';
import type { AdmissionPlugin } from '../plugin.ts';

export function nodeDeclaredFeatureValidator(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const nodes = deps.caches.of({ group: '', resource: 'nodes' });
  return {
    name: 'NodeDeclaredFeatureValidator',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, '', 'pods') && !isResource(attributes, '', 'pods', 'resize')) return;
      const change = changeOfBoundPod(attributes);
      if (change === undefined) return;
      const needed = featuresForUpdate(change.old, change.pod);
      if (needed.length === 0) return;
      const missing = undeclaredFeatures(needed, nodeOfPod(nodes, change.nodeName, attributes));
      if (missing.length === 0) return;
      const [features, name] = [missing.join(', '), JSON.stringify(change.nodeName)];
      throw forbid(attributes, `pod update requires features ${features} which are not available on node ${name}`);
    },
  };
}
