/** Nodes change only what is theirs (`plugin/pkg/admission/noderestriction/admission.go`). */
import type { Authorizer } from '../../authorization/authorizer.ts';
import { nodeIdentity } from '../../authorization/node/node-identity.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import { admitClaimStatus, admitCsiNode, admitCsr, admitLease, admitNode, admitResourceSlice } from './node-objects.ts';
import { admitPod, admitPodEviction, admitPodStatus } from './node-pods.ts';
import { admitToken } from './node-tokens.ts';

export interface NodeRestrictionDeps {
  readonly caches: CacheDirectory;
  /** Asked whether a node may request tokens for audiences that its pods do not mention. */
  readonly authorizer: Authorizer;
}

/** What a rule is given. Rules throw the 403. */
export interface NodeRequest {
  readonly deps: NodeRestrictionDeps;
  readonly nodeName: string;
  readonly attributes: AdmissionAttributes;
}

type Rule = (request: NodeRequest) => void | Promise<void>;

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['/pods', admitPods],
  ['/nodes', admitNode],
  ['/persistentvolumeclaims', admitClaimStatus],
  ['/serviceaccounts', admitToken],
  ['coordination.k8s.io/leases', admitLease],
  ['storage.k8s.io/csinodes', admitCsiNode],
  ['resource.k8s.io/resourceslices', admitResourceSlice],
  ['certificates.k8s.io/certificatesigningrequests', admitCsr],
]);

export function nodeRestriction(deps: NodeRestrictionDeps): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    handles: (operation) => operation !== 'CONNECT',
    admit(attributes) {
      const { isNode, nodeName } = nodeIdentity(attributes.user);
      if (!isNode) return undefined;
      if (nodeName === '') {
        throw forbid(attributes, `could not determine node from user ${JSON.stringify(attributes.user.name)}`);
      }
      const { group, resource } = attributes.resource;
      return rules.get(`${group}/${resource}`)?.({ deps, nodeName, attributes });
    },
  };
}

function admitPods(request: NodeRequest): void {
  const { attributes } = request;
  switch (attributes.subresource) {
    case '':
      return admitPod(request);
    case 'status':
      return admitPodStatus(request);
    case 'eviction':
      return admitPodEviction(request);
    default:
      throw forbid(
        attributes,
        `unexpected pod subresource ${JSON.stringify(attributes.subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}
