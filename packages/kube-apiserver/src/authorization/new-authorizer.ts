/** The authorizers a server was told to use (`pkg/kubeapiserver/authorizer/config.go`, `reload.go`). */
import type { CacheDirectory } from '../storage/cache.ts';
import type { Authorizer, Decision } from './authorizer.ts';
import { NodeAuthorizer } from './node/node-authorizer.ts';
import { NodeGraph } from './node/node-graph.ts';
import { privilegedGroups } from './privileged-groups.ts';
import { RbacAuthorizer } from './rbac/rbac-authorizer.ts';
import { RbacIndex } from './rbac/rbac-index.ts';
import type { PolicyRule } from './rbac/types.ts';
import { UnionAuthorizer } from './union.ts';

export type AuthorizationMode = 'AlwaysAllow' | 'AlwaysDeny' | 'Node' | 'RBAC';

const modes: ReadonlySet<string> = new Set<AuthorizationMode>(['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC']);

/** Upstream's modes that this server has no authorizer for. */
const refused: ReadonlySet<string> = new Set(['ABAC', 'Webhook']);

/** The modes of `--authorization-mode`. Throws an Error that says what is wrong with them. */
export function parseAuthorizationModes(names: readonly string[]): AuthorizationMode[] {
  if (names.length === 0) throw new Error('at least one authorization-mode must be passed');
  for (const name of names) {
    if (refused.has(name))
      throw new Error(`authorization-mode ${JSON.stringify(name)} is not supported by this server`);
    if (!modes.has(name)) throw new Error(`authorization-mode ${JSON.stringify(name)} is not a valid mode`);
  }
  if (new Set(names).size !== names.length) {
    throw new Error(`authorization-mode ${JSON.stringify(names)} has mode specified more than once`);
  }
  return names as AuthorizationMode[];
}

export interface AuthorizerDeps {
  readonly modes: readonly AuthorizationMode[];
  readonly caches: CacheDirectory;
  /** The rules of the bootstrap cluster role `system:node`. */
  readonly nodeRules: readonly PolicyRule[];
}

export interface ServerAuthorizer extends Disposable {
  /** `system:masters` first, then the modes in their order. */
  readonly authorizer: Authorizer;
  /** For escalation checks; there whatever the modes are. */
  readonly rbac: RbacAuthorizer;
}

const always = (decision: Decision): Authorizer => ({ authorize: () => decision });

/** Follows the caches until disposed. */
export function newAuthorizer(deps: AuthorizerDeps): ServerAuthorizer {
  const stack = new DisposableStack();
  const rbac = new RbacAuthorizer(stack.use(RbacIndex.start(deps.caches)));
  const make: Record<AuthorizationMode, () => Authorizer> = {
    AlwaysAllow: () => ({
      ...always({ decision: 'allow', reason: '' }),
      rulesFor: () => everything,
    }),
    AlwaysDeny: () => always({ decision: 'no-opinion', reason: 'Everything is forbidden.' }),
    Node: () => new NodeAuthorizer(stack.use(NodeGraph.start(deps.caches)), deps.nodeRules),
    RBAC: () => rbac,
  };
  const authorizer = new UnionAuthorizer([privilegedGroups(), ...deps.modes.map((mode) => make[mode]())]);
  return { authorizer, rbac, [Symbol.dispose]: () => stack.dispose() };
}

const everything = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
  evaluationError: '',
};
