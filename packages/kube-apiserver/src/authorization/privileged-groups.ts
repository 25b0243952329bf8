/** Members of `system:masters` may do everything (`apiserver/pkg/authorization/authorizerfactory/builtin.go` NewPrivilegedGroups). */
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';

export const systemPrivilegedGroup = 'system:masters';

const allow: Decision = { decision: 'allow', reason: '' };
const noOpinion: Decision = { decision: 'no-opinion', reason: '' };

/** Comes first in every union. */
export function privilegedGroups(groups: readonly string[] = [systemPrivilegedGroup]): Authorizer {
  const privileged = new Set(groups);
  return {
    authorize: (attributes: AuthorizationAttributes): Decision =>
      attributes.user.groups.some((group) => privileged.has(group)) ? allow : noOpinion,
  };
}
