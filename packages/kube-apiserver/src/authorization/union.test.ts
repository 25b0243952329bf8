import { describe, expect, it } from 'vitest';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';
import { newAuthorizer, parseAuthorizationModes } from './new-authorizer.ts';
import { FakeCacheDirectory } from './testing/fake-cache.ts';
import { UnionAuthorizer } from './union.ts';

const attributes: AuthorizationAttributes = {
  user: { name: 'u', groups: [] },
  verb: 'get',
  isResourceRequest: true,
  path: '',
  namespace: '',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  name: '',
};
const says = (decision: Decision['decision'], reason: string, async = false): Authorizer => ({
  authorize: () => (async ? Promise.resolve({ decision, reason }) : { decision, reason }),
});

describe('UnionAuthorizer', () => {
  it('takes the first decision and stays synchronous without promises', () => {
    expect(
      new UnionAuthorizer([says('no-opinion', 'a'), says('allow', 'b'), says('deny', 'c')]).authorize(attributes),
    ).toEqual({ decision: 'allow', reason: 'b' });
  });

  it('joins the reasons when nobody decides', async () => {
    const union = new UnionAuthorizer([says('no-opinion', 'a'), says('no-opinion', '', true), says('no-opinion', 'c')]);
    await expect(union.authorize(attributes)).resolves.toEqual({ decision: 'no-opinion', reason: 'a\nc' });
  });
});

describe('newAuthorizer', () => {
  it('lets system:masters do everything and stops following when disposed', () => {
    const caches = new FakeCacheDirectory();
    const made = newAuthorizer({ modes: ['Node', 'RBAC'], caches, nodeRules: [] });
    expect(made.authorizer.authorize({ ...attributes, user: { name: 'r', groups: ['system:masters'] } })).toMatchObject(
      { decision: 'allow' },
    );
    expect(made.authorizer.authorize(attributes)).toEqual({ decision: 'no-opinion', reason: '' });
    made[Symbol.dispose]();
    expect(caches.of({ group: '', resource: 'pods' }).listeners).toBe(0);
  });

  it.each([
    [['Webhook'], 'not supported by this server'],
    [['ABAC'], 'not supported by this server'],
    [['Nonsense'], 'not a valid mode'],
    [['RBAC', 'RBAC'], 'more than once'],
    [[], 'at least one'],
  ])('refuses the modes %j', (names, text) => {
    expect(() => parseAuthorizationModes(names)).toThrow(text);
  });
});
