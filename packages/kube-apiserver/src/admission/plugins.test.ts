import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { describe, expect, it } from 'vitest';
import { newAuthorizer } from '../authorization/new-authorizer.ts';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import { FakeClient } from '../bootstrap/testing/fake-client.ts';
import { AdmissionChain } from './chain.ts';
import { defaultAdmissionPlugins, selectPlugins } from './plugins.ts';
import { attributes } from './testing/attributes.ts';

const on = () => true;

describe('selectPlugins', () => {
  it('has the defaults in order', () => {
    const names = selectPlugins({ enable: [], disable: [] }, on);
    expect(names[0]).toBe('NamespaceLifecycle');
    expect(names.at(-1)).toBe('ResourceQuota');
    expect(names).not.toContain('NodeRestriction');
    expect(names.slice(-5)).toEqual([
      'PodTopologyLabels',
      'NodeDeclaredFeatureValidator',
      'JobValidation',
      'PodResizeValidator',
      'ResourceQuota',
    ]);
  });

  it('follows the flags and the gates', () => {
    const names = selectPlugins({ enable: ['NodeRestriction'], disable: ['PodSecurity'] }, () => false);
    expect(names).toContain('NodeRestriction');
    expect(names).not.toContain('PodSecurity');
    expect(names).not.toContain('PodTopologyLabels');
  });

  it.each<[string[], string[], string]>([
    [['Nonsense'], [], 'enable-admission-plugins plugin "Nonsense" is unknown'],
    [[], ['Nonsense'], 'disable-admission-plugins plugin "Nonsense" is unknown'],
    [['Priority'], ['Priority'], 'overlapped'],
    [['EventRateLimit'], [], 'admission plugin "EventRateLimit" is not supported by this server'],
  ])('refuses %j and %j', (enable, disable, text) => {
    expect(() => selectPlugins({ enable, disable }, on)).toThrow(text);
  });
});

it('puts the fixed steps before the quota', () => {
  const caches = new FakeCacheDirectory();
  const { authorizer, rbac } = newAuthorizer({ modes: ['RBAC'], caches, nodeRules: [] });
  const plugins = defaultAdmissionPlugins({
    caches,
    client: new FakeClient(caches),
    authorizer,
    rbac,
    clock: new FakeClock(),
    random: { float: () => 0, uuid: () => '' },
    featureEnabled: on,
  });
  expect(plugins.map((plugin) => plugin.name).slice(-3)).toEqual([
    'FieldOrder',
    'RBACEscalationCheck',
    'ResourceQuota',
  ]);
  expect(plugins.map((plugin) => plugin.name)).toContain('NodeRestriction');
});

it('stays synchronous for what concerns no slow plugin', () => {
  const caches = new FakeCacheDirectory();
  caches.put('', 'namespaces', { metadata: { name: 'ns' } });
  caches.put('', 'serviceaccounts', { metadata: { name: 'default', namespace: 'ns' } });
  const { authorizer, rbac } = newAuthorizer({ modes: ['RBAC'], caches, nodeRules: [] });
  const chain = new AdmissionChain(
    defaultAdmissionPlugins({
      caches,
      client: new FakeClient(caches),
      authorizer,
      rbac,
      clock: new FakeClock(),
      random: { float: () => 0, uuid: () => '' },
      featureEnabled: on,
    }),
  );
  const pod = { metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [{ name: 'c' }] } };
  for (const given of [attributes('pods', pod), attributes('pods', pod, { old: structuredClone(pod) })]) {
    expect(chain.admit(given)).toBeUndefined();
    expect(chain.validate(given)).toBeUndefined();
  }
});
