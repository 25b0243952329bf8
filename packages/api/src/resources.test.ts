import { describe, expect, it } from 'vitest';
import {
  admissionPlugins,
  featureGateDefault,
  flowcontrolBootstrap,
  rbacBootstrap,
  stableMetrics,
  tableColumns,
  wellKnownNames,
} from './facts.ts';
import { knownGroupVersions, resourceByGVK, resourceByGVR, servedGroupVersions, servedResources } from './resources.ts';
import { allTypeIds, schemaOf } from './schema-table.ts';
import { kindInfo } from './scheme.ts';

describe('resources', () => {
  it('are known by resource and by kind', () => {
    const pods = resourceByGVR({ group: '', version: 'v1', resource: 'pods' });
    expect(pods).toMatchObject({
      kind: 'Pod',
      listKind: 'PodList',
      namespaced: true,
      shortNames: ['po'],
      categories: ['all'],
      etcdPrefix: '/registry/pods/',
      storageVersionHash: 'xPOwRZ+Yhw8=',
    });
    expect(resourceByGVK({ group: '', version: 'v1', kind: 'Pod' })).toBe(pods);
    expect(pods?.subresources.find((s) => s.name === 'eviction')?.gvk).toEqual({
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
    });
  });

  it('that are off by default are known but not served', () => {
    expect(knownGroupVersions().length).toBeGreaterThan(servedGroupVersions().length);
    expect(servedResources().every((r) => r.enabledByDefault)).toBe(true);
    expect(resourceByGVR({ group: 'resource.k8s.io', version: 'v1beta1', resource: 'resourceclaims' })).toBeUndefined();
  });

  it('have kinds, list kinds and subresource kinds with schemas', () => {
    const missing = servedResources().flatMap((r) => [
      ...(kindInfo(r) === undefined ? [r.kind] : []),
      ...(r.storage !== undefined && kindInfo({ ...r, kind: r.listKind }) === undefined ? [r.listKind] : []),
      ...r.subresources.filter((s) => kindInfo(s.gvk) === undefined).map((s) => s.gvk.kind),
    ]);
    expect(missing).toEqual([]);
  });

  it('have etcd prefixes of their own', () => {
    const stored = servedResources().filter((r) => r.storage !== undefined);
    const prefixes = new Map(
      stored.map((r) => [`${r.etcdPrefix} ${r.storage?.group}/${r.storage?.kind}`, r.etcdPrefix]),
    );
    expect(new Set(prefixes.values()).size).toBe(prefixes.size);
  });
});

describe('schemas', () => {
  it('can be built for every type', () => {
    for (const id of allTypeIds()) expect(schemaOf(id).byName.size).toBe(schemaOf(id).fields.length);
  });

  it('carry list types, map keys and patch facts', () => {
    const containers = schemaOf('core-v1.PodSpec').byName.get('containers');
    expect(containers).toMatchObject({
      required: true,
      always: true,
      patchStrategy: ['merge'],
      patchMergeKey: 'name',
      schema: { kind: 'list', listType: 'map', mapKeys: ['name'] },
    });
  });
});

describe('facts', () => {
  it('are all there', () => {
    expect(featureGateDefault('JobPodReplacementPolicy')).toBe(true);
    expect(featureGateDefault('NoSuchGate')).toBe(false);
    expect(admissionPlugins()[0]?.name).toBe('AlwaysAdmit');
    expect(rbacBootstrap()['cluster-roles'].map((role) => role.metadata.name)).toContain('cluster-admin');
    expect(flowcontrolBootstrap().objects).toHaveLength(19);
    expect(tableColumns().tables.length).toBeGreaterThan(50);
    expect(stableMetrics().length).toBeGreaterThan(50);
    expect(wellKnownNames().labels['LabelHostname']).toBe('kubernetes.io/hostname');
  });
});
