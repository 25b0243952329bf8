/** What kubelets may do (`plugin/pkg/auth/authorizer/node/node_authorizer.go`). */
import type { UserInfo } from '../../server/types.ts';
import type { AuthorizationAttributes, Authorizer, Decision, RulesOf } from '../authorizer.ts';
import { CompiledRules } from '../rbac/compiled-rules.ts';
import { combinedResource } from '../rbac/rule-matching.ts';
import type { PolicyRule } from '../rbac/types.ts';
import type { NodeGraph, NodeVertex } from './node-graph.ts';
import { nodeIdentity } from './node-identity.ts';

type Check = (node: string, attributes: AuthorizationAttributes) => Decision;

const allow: Decision = { decision: 'allow', reason: '' };
const silent: Decision = { decision: 'no-opinion', reason: '' };
const because = (reason: string): Decision => ({ decision: 'no-opinion', reason });

const nodeLeaseNamespace = 'kube-node-lease';
const ownObjectVerbs = new Set(['get', 'create', 'update', 'patch', 'delete']);

/** A field selector such as `spec.nodeName=n1,status.phase=Running` that demands `field=value`. */
function selects(selector: string | undefined, field: string, value: string): boolean {
  if (selector === undefined || selector === '') return false;
  return selector.split(',').some((term) => term === `${field}=${value}` || term === `${field}==${value}`);
}

/**
 * Synchronous, from memory. Never denies. `rules` are those of the cluster role `system:node`: they hold for
 * every resource that is not decided object by object.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #graph: NodeGraph;
  readonly #rules: CompiledRules;
  readonly #checks: ReadonlyMap<string, Check>;

  constructor(graph: NodeGraph, rules: readonly PolicyRule[]) {
    this.#graph = graph;
    this.#rules = new CompiledRules(rules);
    this.#checks = this.#table();
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const { isNode, nodeName } = nodeIdentity(attributes.user);
    if (!isNode) return silent;
    if (nodeName === '') return because(`unknown node for user ${JSON.stringify(attributes.user.name)}`);
    if (attributes.isResourceRequest) {
      const check = this.#checks.get(
        attributes.group === '' ? attributes.resource : `${attributes.resource}.${attributes.group}`,
      );
      if (check !== undefined) return check(nodeName, attributes);
    }
    return this.#rules.allows(attributes, combinedResource(attributes)) ? allow : silent;
  }

  rulesFor(user: UserInfo): RulesOf {
    const { isNode } = nodeIdentity(user);
    return {
      resourceRules: [],
      nonResourceRules: [],
      incomplete: isNode,
      evaluationError: isNode ? 'node authorizer does not support user rule resolution' : '',
    };
  }

  #table(): ReadonlyMap<string, Check> {
    return new Map<string, Check>([
      ['secrets', (n, a) => this.#readNamespaced(n, 'secrets', a)],
      ['configmaps', (n, a) => this.#readNamespaced(n, 'configmaps', a)],
      [
        'persistentvolumeclaims',
        (n, a) => (a.subresource === 'status' ? this.#updateStatus(n, a) : this.#get(n, 'persistentvolumeclaims', a)),
      ],
      ['persistentvolumes', (n, a) => this.#get(n, 'persistentvolumes', a)],
      ['resourceclaims.resource.k8s.io', (n, a) => this.#get(n, 'resourceclaims', a)],
      ['volumeattachments.storage.k8s.io', (n, a) => this.#get(n, 'volumeattachments', a)],
      ['serviceaccounts', (n, a) => this.#createToken(n, a)],
      ['leases.coordination.k8s.io', lease],
      ['csinodes.storage.k8s.io', csiNode],
      ['resourceslices.resource.k8s.io', (n, a) => this.#resourceSlice(n, a)],
      ['nodes', node],
      ['pods', (n, a) => this.#pod(n, a)],
    ]);
  }

  #related(nodeName: string, type: NodeVertex, a: AuthorizationAttributes): Decision {
    if (a.name === '') return because('No Object name found');
    if (this.#graph.isRelated(nodeName, type, a.namespace, a.name)) return allow;
    return because(`no relationship found between node '${nodeName}' and this object`);
  }

  #updateStatus(nodeName: string, a: AuthorizationAttributes): Decision {
    if (a.verb !== 'update' && a.verb !== 'patch') return because('can only get/update/patch this type');
    return this.#related(nodeName, 'persistentvolumeclaims', a);
  }

  #get(nodeName: string, type: NodeVertex, a: AuthorizationAttributes): Decision {
    if (a.verb !== 'get') return because('can only get individual resources of this type');
    if (a.subresource !== '') return because('cannot get subresource');
    return this.#related(nodeName, type, a);
  }

  #readNamespaced(nodeName: string, type: NodeVertex, a: AuthorizationAttributes): Decision {
    if (a.verb !== 'get' && a.verb !== 'list' && a.verb !== 'watch')
      return because('can only read resources of this type');
    if (a.subresource !== '') return because('cannot read subresource');
    if (a.namespace === '') return because('can only read namespaced object of this type');
    return this.#related(nodeName, type, a);
  }

  #createToken(nodeName: string, a: AuthorizationAttributes): Decision {
    if (a.verb !== 'create' || a.name === '') return because('can only create tokens for individual service accounts');
    if (a.subresource !== 'token') return because('can only create token subresource of serviceaccount');
    return this.#related(nodeName, 'serviceaccounts', a);
  }

  #resourceSlice(nodeName: string, a: AuthorizationAttributes): Decision {
    if (a.subresource !== '') return because('cannot authorize ResourceSlice subresources');
    switch (a.verb) {
      case 'create':
        return allow;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#related(nodeName, 'resourceslices', a);
      case 'watch':
      case 'list':
      case 'deletecollection':
        if (selects(a.fieldSelector, 'spec.nodeName', nodeName)) return allow;
        return because('can only list/watch/deletecollection resourceslices with nodeName field selector');
      default:
        return because(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        );
    }
  }

  #pod(nodeName: string, a: AuthorizationAttributes): Decision {
    if (a.subresource === 'status') return a.verb === 'update' || a.verb === 'patch' ? allow : silent;
    if (a.subresource === 'eviction') return a.verb === 'create' ? allow : silent;
    if (a.subresource !== '') return silent;
    if (a.verb === 'create' || a.verb === 'delete') return allow;
    if (a.verb === 'get') return this.#get(nodeName, 'pods', a);
    if (a.verb !== 'list' && a.verb !== 'watch') return silent;
    if (selects(a.fieldSelector, 'spec.nodeName', nodeName)) return allow;
    if (a.name !== '') return this.#related(nodeName, 'pods', a);
    return because('can only list/watch pods with spec.nodeName field selector');
  }
}

/** On create the name is in the body: the NodeRestriction admission plugin looks at it. */
function lease(nodeName: string, a: AuthorizationAttributes): Decision {
  if (!ownObjectVerbs.has(a.verb)) return because('can only get, create, update, patch, or delete a node lease');
  if (a.namespace !== nodeLeaseNamespace) {
    return because(`can only access leases in the ${JSON.stringify(nodeLeaseNamespace)} system namespace`);
  }
  if (a.verb !== 'create' && a.name !== nodeName) {
    return because('can only access node lease with the same name as the requesting node');
  }
  return allow;
}

function csiNode(nodeName: string, a: AuthorizationAttributes): Decision {
  if (!ownObjectVerbs.has(a.verb)) return because('can only get, create, update, patch, or delete a CSINode');
  if (a.subresource !== '') return because('cannot authorize CSINode subresources');
  if (a.verb !== 'create' && a.name !== nodeName) {
    return because('can only access CSINode with the same name as the requesting node');
  }
  return allow;
}

function node(nodeName: string, a: AuthorizationAttributes): Decision {
  if (a.subresource === 'status') return a.verb === 'update' || a.verb === 'patch' ? allow : silent;
  if (a.subresource !== '') return silent;
  switch (a.verb) {
    case 'create':
    case 'update':
    case 'patch':
      return allow;
    case 'get':
    case 'list':
    case 'watch':
      if (a.name === nodeName) return allow;
      if (a.name === '') return because(`node '${nodeName}' cannot read all nodes, only its own Node object`);
      return because(`node '${nodeName}' cannot read '${a.name}', only its own Node object`);
    default:
      return silent;
  }
}
