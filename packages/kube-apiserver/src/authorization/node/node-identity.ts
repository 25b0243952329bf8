/** Which node a user is (`pkg/auth/nodeidentifier/default.go`). */
import type { UserInfo } from '../../server/types.ts';

export interface NodeIdentity {
  /** Member of `system:nodes` with a node's user name. */
  readonly isNode: boolean;
  /** '' when {@link isNode} is false. */
  readonly nodeName: string;
}

export const nodesGroup = 'system:nodes';
export const nodeUserPrefix = 'system:node:';

const nobody: NodeIdentity = { isNode: false, nodeName: '' };

/** A node is a user `system:node:<name>` in the group `system:nodes`. */
export function nodeIdentity(user: UserInfo): NodeIdentity {
  if (!user.name.startsWith(nodeUserPrefix) || !user.groups.includes(nodesGroup)) return nobody;
  return { isNode: true, nodeName: user.name.slice(nodeUserPrefix.length) };
}
