import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import type { AuthorizationAttributes, Authorizer } from '../../authorization/authorizer.ts';
import { requestInfoOf } from '../request-info.ts';
import type { ApiRequest, ApiResult, Next } from '../types.ts';
import { withAuthorization } from './authorization.ts';
import { withDeadline } from './deadline.ts';
import { withImpersonation } from './impersonation.ts';

const ok: ApiResult = { type: 'bytes', status: 200, contentType: 'text/plain', bytes: '' };

interface Ask {
  readonly method?: string;
  readonly url?: string;
  readonly user?: ApiRequest['user'];
  readonly headers?: Record<string, string>;
}

function requestOf({
  method = 'GET',
  url = '/api/v1/namespaces/default/pods',
  user,
  headers = {},
}: Ask = {}): ApiRequest {
  const { pathname, searchParams } = new URL(url, 'https://x');
  return {
    method,
    path: pathname,
    query: searchParams,
    headers,
    peer: { transport: 'in-process', user: { name: '', groups: [] } },
    body: () => ({ type: 'none' }),
    signal: new AbortController().signal,
    receivedAt: 0,
    id: '',
    info: requestInfoOf({ method, path: pathname, query: searchParams }),
    user: user ?? { name: 'jane', groups: ['dev'] },
    warnings: [],
    responseHeaders: {},
  };
}

const answering = (decision: 'allow' | 'no-opinion', reason = ''): Authorizer => ({
  authorize: () => ({ decision, reason }),
});

/** Runs a filter; resolves to the message it refuses with, or 'ok'. */
async function outcome(run: () => ApiResult | Promise<ApiResult>): Promise<string> {
  try {
    await run();
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('withAuthorization', () => {
  it.each([
    [
      '/api/v1/namespaces/default/pods',
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      '/apis/apps/v1/deployments',
      'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" at the cluster scope',
    ],
    [
      '/api/v1/namespaces/default/pods/a/log',
      'pods "a" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "default"',
    ],
    ['/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
  ])('refuses %s as upstream does', async (url, message) => {
    const filter = withAuthorization(answering('no-opinion'));
    expect(await outcome(() => filter(requestOf({ url }), () => ok))).toBe(message);
    const withReason = withAuthorization(answering('no-opinion', 'because'));
    expect(await outcome(() => withReason(requestOf({ url }), () => ok))).toBe(`${message}: because`);
  });

  it('escapes what is not to be taken for markup', async () => {
    const user = { name: '<b>&', groups: [] };
    const filter = withAuthorization(answering('no-opinion'));
    const message = await outcome(() => filter(requestOf({ url: '/x', user }), () => ok));
    expect(message).toBe('forbidden: User "&lt;b&gt;&amp;" cannot get path "/x"');
  });

  it('stays synchronous when the authorizer does, and waits for one that does not', async () => {
    expect(withAuthorization(answering('allow'))(requestOf(), () => ok)).toBe(ok);
    const later: Authorizer = { authorize: () => Promise.resolve({ decision: 'allow', reason: '' }) };
    await expect(withAuthorization(later)(requestOf(), () => ok)).resolves.toBe(ok);
  });
});

describe('withImpersonation', () => {
  const asked = (a: AuthorizationAttributes): string =>
    [a.verb, a.group, a.namespace, a.resource, a.subresource, a.name].join(' ').replaceAll(/ +/g, ' ');

  async function run(allowed: readonly string[], ask: Ask) {
    const checks: string[] = [];
    const authorizer: Authorizer = {
      authorize: (attributes) => {
        checks.push(asked(attributes));
        return { decision: allowed.includes(asked(attributes)) ? 'allow' : 'no-opinion', reason: '' };
      },
    };
    const request = requestOf(ask);
    const message = await outcome(() => withImpersonation(authorizer)(request, () => ok));
    return { checks, message, user: request.user, headers: request.headers };
  }

  it('does nothing unasked', async () => {
    expect(await run([], {})).toMatchObject({ checks: [], message: 'ok', user: { name: 'jane' } });
  });

  it('acts as a user with groups, uid and extra in the old way', async () => {
    const headers = {
      'impersonate-user': 'joe',
      'impersonate-group': 'a, b',
      'impersonate-uid': '7',
      'impersonate-extra-acme.io%2fscope': 'x, y',
      accept: 'application/json',
    };
    const allowed = [
      'impersonate users joe',
      'impersonate groups a',
      'impersonate groups b',
      'impersonate authentication.k8s.io uids 7',
      'impersonate authentication.k8s.io userextras acme.io/scope x',
      'impersonate authentication.k8s.io userextras acme.io/scope y',
    ];
    const done = await run(allowed, { headers });
    expect(done.message).toBe('ok');
    expect(done.user).toEqual({
      name: 'joe',
      uid: '7',
      groups: ['a', 'b', 'system:authenticated'],
      extra: { 'acme.io/scope': ['x', 'y'] },
    });
    expect(done.headers).toEqual({ accept: 'application/json' });
    const refused = await run(allowed.slice(0, 2), {
      headers: { 'impersonate-user': 'joe', 'impersonate-group': 'a, b' },
    });
    expect(refused.message).toContain('cannot impersonate-on:user-info:list resource "pods"');
  });

  it('gives service accounts and anonymous their groups', async () => {
    const name = 'system:serviceaccount:ns:sa';
    const account = await run(['impersonate ns serviceaccounts sa'], { headers: { 'impersonate-user': name } });
    expect(account.user.groups).toEqual([
      'system:serviceaccounts',
      'system:serviceaccounts:ns',
      'system:authenticated',
    ]);
    const anonymous = await run(['impersonate users system:anonymous'], {
      headers: { 'impersonate-user': 'system:anonymous' },
    });
    expect(anonymous.user.groups).toEqual(['system:unauthenticated']);
  });

  it('acts as a user in the constrained way: for this action and this user', async () => {
    const allowed = [
      'impersonate-on:user-info:list default pods ',
      'impersonate:user-info authentication.k8s.io users joe',
    ];
    // Headers are taken out of the request: each has its own.
    const headers = (): Record<string, string> => ({ 'impersonate-user': 'joe' });
    expect(await run(allowed, { headers: headers() })).toMatchObject({ message: 'ok', user: { name: 'joe' } });
    expect((await run(allowed, { headers: headers(), url: '/api/v1/secrets' })).message).toContain('forbidden');
    const masters = { 'impersonate-user': 'joe', 'impersonate-group': 'system:masters' };
    expect((await run(allowed, { headers: masters })).message).toContain(
      'impersonating the system:masters group is not allowed',
    );
  });

  it('lets a service account act as its own node', async () => {
    const user = {
      name: 'system:serviceaccount:ns:agent',
      groups: [],
      extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
    };
    const allowed = [
      'impersonate-on:associated-node:list default pods ',
      'impersonate:associated-node authentication.k8s.io nodes *',
    ];
    const own = await run(allowed, { user, headers: { 'impersonate-user': 'system:node:n1' } });
    expect(own).toMatchObject({ message: 'ok', user: { groups: ['system:nodes', 'system:authenticated'] } });
    const other = await run(allowed, { user, headers: { 'impersonate-user': 'system:node:n2' } });
    expect(other.message).toContain('forbidden');
  });

  it('refuses groups without a user', async () => {
    const { message } = await run([], { headers: { 'impersonate-group': 'a' } });
    expect(message).toBe(
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string(nil)} without impersonating a user name',
    );
  });
});

describe('withDeadline', () => {
  const never: Next = () => new Promise<ApiResult>(() => {});

  it('answers 504 when the time is over', async () => {
    const clock = new FakeClock();
    const running = outcome(() => withDeadline(clock, 60_000)(requestOf(), never));
    clock.advance(60_000);
    expect(await running).toBe('Timeout: request did not complete within the allotted timeout');
    expect(clock.timers).toBe(0);
  });

  it('obeys the timeout parameter up to the maximum, and refuses nonsense', async () => {
    const clock = new FakeClock();
    const filter = withDeadline(clock, 60_000);
    const short = outcome(() => filter(requestOf({ url: '/api/v1/pods?timeout=2s' }), never));
    const long = outcome(() => filter(requestOf({ url: '/api/v1/pods?timeout=2h' }), never));
    clock.advance(2_000);
    expect(await short).toContain('Timeout');
    clock.advance(58_000);
    expect(await long).toContain('Timeout');
    const wrong = await outcome(() => filter(requestOf({ url: '/api/v1/pods?timeout=soon' }), never));
    expect(wrong).toContain('invalid timeout specified in the request URL');
  });

  it('leaves watches alone, and answers at once untouched', () => {
    const clock = new FakeClock();
    const filter = withDeadline(clock, 60_000);
    void filter(requestOf({ url: '/api/v1/pods?watch=1' }), never);
    expect(filter(requestOf(), () => ok)).toBe(ok);
    expect(clock.timers).toBe(0);
  });
});
