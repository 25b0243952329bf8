/** The Impersonate-* headers (`endpoints/filters/impersonation/constrained_impersonation.go`). */
import { newBadRequest } from '@kubets/apimachinery/status';
import { headerValues } from '../header-values.ts';
import type { ApiRequest, UserInfo } from '../types.ts';

/** As asked for, nothing added. */
export interface WantedUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

type Headers = Readonly<Record<string, string | undefined>>;
type Sent = Pick<ApiRequest, 'headers' | 'rawHeaders'>;

const extraPrefix = 'impersonate-extra-';

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    // A malformed key is taken as it is, so that it is authorized and recorded as it was sent.
    return key;
  }
}

function extraOf(request: Sent): Map<string, readonly string[]> {
  const { headers } = request;
  const extra = new Map<string, readonly string[]>();
  for (const name in headers) {
    if (name.charCodeAt(0) !== 105 || !name.startsWith(extraPrefix)) continue;
    const key = unescapeKey(name.slice(extraPrefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...headerValues(request, name)]);
  }
  return extra;
}

const goString = (text: string): string => JSON.stringify(text);
const goStrings = (list: readonly string[]): string => `[]string{${list.map(goString).join(', ')}}`;

/** The user as Go prints it with `%#v`: part of the message that clients see. */
function goSyntax(wanted: WantedUser): string {
  const extra = [...wanted.extra].map(([key, values]) => `${goString(key)}:${goStrings(values).slice(8)}`);
  const groups = wanted.groups.length === 0 ? '[]string(nil)' : goStrings(wanted.groups);
  const map = extra.length === 0 ? 'map[string][]string(nil)' : `map[string][]string{${extra.join(', ')}}`;
  return `&user.DefaultInfo{Name:${goString(wanted.name)}, UID:${goString(wanted.uid)}, Groups:${groups}, Extra:${map}}`;
}

/** Nothing behind this filter is to tell impersonated requests from others. */
function clear(headers: Record<string, string | undefined>): void {
  for (const name of Object.keys(headers)) {
    const known = name === 'impersonate-user' || name === 'impersonate-group' || name === 'impersonate-uid';
    if (known || name.startsWith(extraPrefix)) delete headers[name];
  }
}

function isAsked(headers: Headers): boolean {
  for (const name in headers) {
    if (name.charCodeAt(0) === 105 && name.startsWith('impersonate-')) return true;
  }
  return false;
}

/** `undefined`: no impersonation asked for. Throws 400 for groups, uid or extra without a user. Removes the headers. */
export function wantedUserOf(request: Sent): WantedUser | undefined {
  const { headers } = request;
  if (!isAsked(headers)) return undefined;
  const wanted: WantedUser = {
    name: headerValues(request, 'impersonate-user')[0] ?? '',
    uid: headerValues(request, 'impersonate-uid')[0] ?? '',
    groups: headerValues(request, 'impersonate-group'),
    extra: extraOf(request),
  };
  if (wanted.name === '') {
    if (wanted.uid === '' && wanted.groups.length === 0 && wanted.extra.size === 0) return undefined;
    throw newBadRequest(`requested ${goSyntax(wanted)} without impersonating a user name`);
  }
  clear(headers as Record<string, string | undefined>);
  return wanted;
}

export const allAuthenticated = 'system:authenticated';
export const allUnauthenticated = 'system:unauthenticated';

/** The user to go on with: everyone is either authenticated or not. */
export function impersonatedUser(wanted: WantedUser, groups: readonly string[]): UserInfo {
  const marker = wanted.name === 'system:anonymous' ? allUnauthenticated : allAuthenticated;
  const settled = groups.includes(marker) || groups.includes(allUnauthenticated);
  const user = { name: wanted.name, groups: settled ? groups : [...groups, marker] };
  return {
    ...user,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    ...(wanted.extra.size === 0 ? {} : { extra: Object.fromEntries(wanted.extra) }),
  };
}
