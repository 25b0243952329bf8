/** Well-known users and groups (`apiserver/pkg/authentication/user/user.go`). */
import type { UserInfo } from '../server/types.ts';

export const allAuthenticated = 'system:authenticated';
export const allUnauthenticated = 'system:unauthenticated';
export const anonymousUser = 'system:anonymous';

export const allServiceAccountsGroup = 'system:serviceaccounts';
export const podNameExtra = 'authentication.kubernetes.io/pod-name';
export const podUidExtra = 'authentication.kubernetes.io/pod-uid';
export const nodeNameExtra = 'authentication.kubernetes.io/node-name';
export const nodeUidExtra = 'authentication.kubernetes.io/node-uid';
export const credentialIdExtra = 'authentication.kubernetes.io/credential-id';

/**
 * The user as a member of `system:authenticated`, as upstream's AuthenticatedGroupAdder makes it; the same object when it
 * says already whether it is authenticated.
 */
export function asAuthenticated(user: UserInfo): UserInfo {
  if (user.groups.includes(allAuthenticated) || user.groups.includes(allUnauthenticated)) return user;
  return { ...user, groups: [...user.groups, allAuthenticated] };
}
