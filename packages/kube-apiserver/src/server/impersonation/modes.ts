/**
 * The ways to be allowed to act as somebody else (`endpoints/filters/impersonation/mode.go`):
 * constrained ones, which need `impersonate-on:<mode>:<verb>` for what is done and
 * `impersonate:<mode>` for whom, and the old one, which needs `impersonate` alone.
 */
import { isDNS1123Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { isForbidden } from '@kubets/apimachinery/status';
import type { AuthorizationAttributes, Authorizer } from '../../authorization/authorizer.ts';
import { forbidden } from '../filters/authorization.ts';
import type { UserInfo } from '../types.ts';
import { impersonatedUser, type WantedUser } from './wanted-user.ts';

const authenticationGroup = 'authentication.k8s.io';
const nodePrefix = 'system:node:';
const serviceAccountPrefix = 'system:serviceaccount:';
const nodeNameKey = 'authentication.kubernetes.io/node-name';
/** From this many checks on, one for `*` is tried first (`manyAuthorizationChecksInLoop`). */
const many = 4;

function nodeOf(username: string): string | undefined {
  if (!username.startsWith(nodePrefix)) return undefined;
  const name = username.slice(nodePrefix.length);
  return isDNS1123Subdomain(name).length === 0 ? name : undefined;
}

interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** `serviceaccount.SplitUsername`. */
function serviceAccountOf(username: string): ServiceAccountName | undefined {
  if (!username.startsWith(serviceAccountPrefix)) return undefined;
  const parts = username.slice(serviceAccountPrefix.length).split(':');
  const [namespace = '', name = ''] = parts;
  if (parts.length !== 2 || isDNS1123Label(namespace).length > 0) return undefined;
  return isDNS1123Subdomain(name).length === 0 ? { namespace, name } : undefined;
}

function onlyName(wanted: WantedUser): boolean {
  return wanted.uid === '' && wanted.groups.length === 0 && wanted.extra.size === 0;
}

function isOwnNode(wanted: WantedUser, requestor: UserInfo): boolean {
  const node = nodeOf(wanted.name);
  if (node === undefined || serviceAccountOf(requestor.name) === undefined) return false;
  const values = requestor.extra?.[nodeNameKey];
  return values?.length === 1 && values[0] === node;
}

export interface ImpersonationMode {
  /** Empty for the old mode. */
  readonly name: string;
  readonly applies: (wanted: WantedUser, requestor: UserInfo) => boolean;
}

/** In the order in which they are tried. */
export const impersonationModes: readonly ImpersonationMode[] = [
  { name: 'associated-node', applies: (wanted, requestor) => onlyName(wanted) && isOwnNode(wanted, requestor) },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && serviceAccountOf(wanted.name) !== undefined },
  {
    name: 'user-info',
    applies: (wanted) => nodeOf(wanted.name) === undefined && serviceAccountOf(wanted.name) === undefined,
  },
  { name: '', applies: () => true },
];

/** A DNS subdomain, a slash and a path; or a plain DNS subdomain as most keys are. */
const extraKey = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?\/[^\s]+$/;

function extraProblem(wanted: WantedUser): string | undefined {
  for (const [key, values] of wanted.extra) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    if (!extraKey.test(key)) {
      return `impersonating an invalid key in extra is not allowed: extra.key: Invalid value: ${JSON.stringify(key)}: must be a domain-prefixed path (such as "acme.io/foo")`;
    }
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

/** Asks for all that one attempt needs. Each check throws the 403 to answer with. */
class Attempt {
  readonly #authorizer: Authorizer;
  readonly #mode: string;
  readonly #wanted: WantedUser;
  readonly #requestor: UserInfo;

  constructor(authorizer: Authorizer, mode: ImpersonationMode, parties: Parties) {
    this.#authorizer = authorizer;
    this.#mode = mode.name;
    this.#wanted = parties.wanted;
    this.#requestor = mode.name === 'associated-node' ? withoutExtraValues(parties.requestor) : parties.requestor;
  }

  get #constrained(): boolean {
    return this.#mode !== '';
  }

  async #check(attributes: AuthorizationAttributes): Promise<void> {
    const decision = await this.#authorizer.authorize(attributes);
    if (decision.decision !== 'allow') throw forbidden(attributes, decision.reason);
  }

  #attributes(resource: string, name: string, group: string): AuthorizationAttributes {
    return {
      user: this.#requestor,
      verb: this.#constrained ? `impersonate:${this.#mode}` : 'impersonate',
      isResourceRequest: true,
      path: '',
      namespace: '',
      group,
      version: 'v1',
      resource,
      subresource: '',
      name,
    };
  }

  get #userGroup(): string {
    return this.#constrained ? authenticationGroup : '';
  }

  /** Resolves to the user to go on with. */
  async run(request: AuthorizationAttributes): Promise<UserInfo> {
    if (this.#constrained) {
      await this.#check({ ...request, user: this.#requestor, verb: `impersonate-on:${this.#mode}:${request.verb}` });
    }
    const groups = await this.#username();
    if (this.#wanted.uid !== '') await this.#check(this.#attributes('uids', this.#wanted.uid, authenticationGroup));
    await this.#groups();
    await this.#extra();
    return impersonatedUser(this.#wanted, groups);
  }

  /** Resolves to the groups of the user: those asked for, or those that go with the name. */
  async #username(): Promise<readonly string[]> {
    const { name, groups } = this.#wanted;
    const node = this.#constrained ? nodeOf(name) : undefined;
    const account = serviceAccountOf(name);
    if (node !== undefined) {
      const asked = this.#mode === 'associated-node' ? '*' : node;
      await this.#check(this.#attributes('nodes', asked, this.#userGroup));
      return ['system:nodes'];
    }
    if (account === undefined) {
      await this.#check(this.#attributes('users', name, this.#userGroup));
      return groups;
    }
    const attributes = this.#attributes('serviceaccounts', account.name, this.#userGroup);
    await this.#check({ ...attributes, namespace: account.namespace });
    return groups.length > 0 ? groups : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  }

  async #allowed(attributes: AuthorizationAttributes): Promise<boolean> {
    return (await this.#authorizer.authorize(attributes)).decision === 'allow';
  }

  async #groups(): Promise<void> {
    const { groups } = this.#wanted;
    if (groups.length === 0) return;
    const base = this.#attributes('groups', '', this.#userGroup);
    if (this.#constrained) {
      if (groups.includes('')) throw forbidden(base, 'impersonating the empty string group is not allowed');
      if (groups.includes('system:masters')) {
        const attributes = { ...base, name: 'system:masters' };
        throw forbidden(attributes, 'impersonating the system:masters group is not allowed');
      }
      if (groups.length >= many && (await this.#allowed({ ...base, name: '*' }))) return;
    }
    for (const name of groups) await this.#check({ ...base, name });
  }

  async #extra(): Promise<void> {
    const { extra } = this.#wanted;
    if (extra.size === 0) return;
    const base = this.#attributes('userextras', '', authenticationGroup);
    if (this.#constrained) {
      const problem = extraProblem(this.#wanted);
      if (problem !== undefined) throw forbidden(base, problem);
      const count = [...extra.values()].reduce((sum, values) => sum + values.length, 0);
      if (count >= many && (await this.#allowed({ ...base, subresource: '*', name: '*' }))) return;
    }
    for (const [subresource, values] of extra) {
      for (const name of values) await this.#check({ ...base, subresource, name });
    }
  }
}

export interface Parties {
  readonly wanted: WantedUser;
  readonly requestor: UserInfo;
}

/** What the authorizer sees of a service account that acts as its own node: the same on every node. */
function withoutExtraValues(requestor: UserInfo): UserInfo {
  const keys = Object.keys(requestor.extra ?? {}).toSorted();
  return { ...requestor, extra: { 'authentication.kubernetes.io/associated-node-keys': keys } };
}

/**
 * Resolves to the user to go on with, by the first mode that allows it. Rejects with the 403 of the
 * first mode that applied and did not.
 */
export async function impersonate(
  authorizer: Authorizer,
  request: AuthorizationAttributes,
  wanted: WantedUser,
): Promise<UserInfo> {
  const parties = { wanted, requestor: request.user };
  let first: unknown;
  for (const mode of impersonationModes) {
    if (!mode.applies(wanted, request.user)) continue;
    try {
      return await new Attempt(authorizer, mode, parties).run(request);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      first ??= error;
    }
  }
  throw first;
}
