import { describe, expect, it } from 'vitest';
import type { NamespaceCondition } from '@kubets/api/types/core-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { DiscoveryError, type DiscoveredResource } from '@kubets/client';
import { deletionConditions, type DeletionFindings } from './conditions.ts';
import { finalizedNamespace, findingsOf, graceOf, isFinalized, outcomeOf, unreadableGroupVersion } from './content.ts';
import { deletableResources } from './namespaced-resources.ts';

const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
const object = (finalizers?: string[]): ApiObject => ({ metadata: { name: 'x', ...(finalizers && { finalizers }) } });
const nothing: DeletionFindings = { failures: [], remaining: new Map(), finalizers: new Map() };

const resource = (name: string, more: Partial<DiscoveredResource> = {}): DiscoveredResource => ({
  group: '',
  version: 'v1',
  resource: name,
  kind: name,
  namespaced: true,
  singularName: name,
  shortNames: [],
  categories: [],
  verbs: ['delete', 'list'],
  subresources: [],
  ...more,
});

describe('deletionConditions', () => {
  const at = '2026-01-01T00:00:00Z';

  it('says that all is well, once', () => {
    const first = deletionConditions([], nothing, at);
    expect(first?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'NamespaceDeletionDiscoveryFailure=False',
      'NamespaceDeletionGroupVersionParsingFailure=False',
      'NamespaceDeletionContentFailure=False',
      'NamespaceContentRemaining=False',
      'NamespaceFinalizersRemaining=False',
    ]);
    expect(deletionConditions(first ?? [], nothing, '2026-01-01T00:01:00Z')).toBeUndefined();
  });

  it('keeps the time while a condition goes on, and what others say', () => {
    const other: NamespaceCondition = { type: 'Other', status: 'True', lastTransitionTime: at };
    const one = { ...nothing, remaining: new Map([['pods.', 2]]) };
    const before = deletionConditions([other], one, at) ?? [];
    const later = '2026-01-01T00:01:00Z';
    const after = deletionConditions(before, { ...nothing, remaining: new Map([['pods.', 1]]) }, later) ?? [];
    expect(after[0]).toEqual(other);
    expect(after.find(({ type }) => type === 'NamespaceContentRemaining')).toEqual({
      type: 'NamespaceContentRemaining',
      status: 'True',
      lastTransitionTime: at,
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: pods. has 1 resource instances',
    });
    const gone = deletionConditions(after, nothing, later) ?? [];
    expect(gone.find(({ type }) => type === 'NamespaceContentRemaining')?.lastTransitionTime).toBe(later);
  });

  it('sorts what it lists, and names whatever is wrong', () => {
    const failures = [new Error('b'), new Error('a')];
    const discovery = new DiscoveryError([], [{ groupVersion: 'x/v1', error: new Error('down') }]);
    const findings = {
      discovery,
      groupVersions: 'unexpected GroupVersion string: a/b/c',
      failures,
      remaining: new Map([
        ['widgets.example.com', 1],
        ['configmaps.', 3],
      ]),
      finalizers: new Map([
        ['z', 1],
        ['a', 2],
      ]),
    };
    expect(deletionConditions([], findings, at)?.map(({ message }) => message)).toEqual([
      'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: x/v1: down',
      'unexpected GroupVersion string: a/b/c',
      'Failed to delete all resource types, 2 remaining: a, b',
      'Some resources are remaining: configmaps. has 3 resource instances, widgets.example.com has 1 resource instances',
      'Some content in the namespace has finalizers remaining: a in 2 resource instances, z in 1 resource instances',
    ]);
  });
});

describe('outcomeOf', () => {
  it.each<[string, ApiObject[], number, number, string | undefined]>([
    ['nothing', [], 30, 0, undefined],
    ['what has a grace', [object()], 30, 30, undefined],
    ['what has a finalizer', [object(['f'])], 0, 15, undefined],
    [
      'what should be gone',
      [object()],
      0,
      0,
      'unexpected items still remain in namespace: ns for gvr: /v1, Resource=configmaps',
    ],
  ])('%s', (_name, items, graceSeconds, estimateSeconds, error) => {
    const outcome = outcomeOf(configMaps, 'ns', { items, graceSeconds });
    expect(outcome.remaining).toBe(items.length);
    expect(outcome.estimateSeconds).toBe(estimateSeconds);
    expect((outcome.error as Error | undefined)?.message).toBe(error);
  });

  it('is added up', () => {
    const outcomes = [
      outcomeOf(configMaps, 'ns', { items: [object(['a']), object(['a', 'b'])], graceSeconds: 0 }),
      outcomeOf({ ...configMaps, resource: 'secrets' }, 'ns', { items: [object(['a'])], graceSeconds: 0 }),
    ];
    const { remaining, finalizers } = findingsOf(outcomes, {});
    expect([...remaining]).toEqual([
      ['configmaps.', 2],
      ['secrets.', 1],
    ]);
    expect([...finalizers]).toEqual([
      ['a', 3],
      ['b', 1],
    ]);
  });
});

describe('graceOf', () => {
  const pod = (seconds: number, phase = 'Running') => ({
    metadata: {},
    spec: { terminationGracePeriodSeconds: seconds },
    status: { phase },
  });

  it.each([
    [[], 0, 0],
    [[pod(30), pod(60)], 0, 60],
    [[pod(30), pod(60, 'Succeeded'), pod(90, 'Failed')], 0, 30],
    [[pod(30)], 29_999, 30],
    [[pod(30)], 30_000, 0],
  ])('%j after %i ms: %i s', (pods, since, seconds) => {
    expect(graceOf(pods, since)).toBe(seconds);
  });
});

describe('resources and finalizers', () => {
  it('are each deleted once, in the preferred version, if they can be', () => {
    const found = deletableResources([
      resource('pods'),
      resource('events'),
      resource('bindings', { verbs: ['create'] }),
      resource('nodes', { namespaced: false }),
      resource('things', { group: 'g', version: 'v2' }),
      resource('things', { group: 'g', version: 'v1' }),
      resource('events', { group: 'events.k8s.io' }),
    ]);
    expect(found.map(({ group, version, resource: name }) => `${group}/${version}/${name}`)).toEqual([
      '/v1/pods',
      '/v1/events',
      'g/v2/things',
    ]);
    expect(unreadableGroupVersion([configMaps])).toBeUndefined();
    expect(unreadableGroupVersion([{ group: 'a/b', version: 'c', resource: 'd' }])).toBe(
      'unexpected GroupVersion string: a/b/c',
    );
  });

  it('only ours is removed', () => {
    const namespace = { metadata: { name: 'a' }, spec: { finalizers: ['kubernetes', 'other'] } };
    expect(isFinalized(namespace)).toBe(false);
    expect(finalizedNamespace(namespace).spec).toEqual({ finalizers: ['other'] });
    expect(isFinalized(finalizedNamespace(namespace))).toBe(true);
  });
});
