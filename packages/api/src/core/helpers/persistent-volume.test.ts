import { describe, expect, it } from 'vitest';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '../../generated/types/core-v1.ts';
import {
  bindVolumeToClaim,
  findMatchingVolume,
  isVolumeBoundToClaim,
  matchesTopologyTerms,
  notEphemeralClaimOf,
  podClaims,
  storageClassOf,
} from './persistent-volume.ts';

const volume = (name: string, size: string, spec: PersistentVolumeSpec = {}): PersistentVolume => ({
  kind: 'PersistentVolume',
  apiVersion: 'v1',
  metadata: { name, labels: { name } },
  spec: { capacity: { storage: size }, accessModes: ['ReadWriteOnce'], storageClassName: 'fast', ...spec },
  status: { phase: 'Available' },
});

const claim = (spec: PersistentVolumeClaimSpec = {}): PersistentVolumeClaim => ({
  kind: 'PersistentVolumeClaim',
  apiVersion: 'v1',
  metadata: { name: 'c', namespace: 'default', uid: 'u', resourceVersion: '7' },
  spec: {
    resources: { requests: { storage: '2Gi' } },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    ...spec,
  },
});

const onNode = (name: string): PersistentVolumeSpec => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] }],
    },
  },
});

describe('findMatchingVolume', () => {
  const nodeLabels = { 'kubernetes.io/hostname': 'n1' };
  const find = (volumes: PersistentVolume[], c = claim(), options = {}): string | undefined =>
    findMatchingVolume(c, volumes, { nodeLabels, ...options })?.metadata.name;

  it('takes the smallest that is large enough', () => {
    expect(find([volume('large', '10Gi'), volume('tiny', '1Gi'), volume('right', '3Gi')])).toBe('right');
  });

  it.each([
    ['another class', volume('v', '3Gi', { storageClassName: 'slow' })],
    ['another mode', volume('v', '3Gi', { volumeMode: 'Block' })],
    ['fewer access modes', volume('v', '3Gi', { accessModes: ['ReadOnlyMany'] })],
    ['another node', volume('v', '3Gi', onNode('n2'))],
    ['another claim', volume('v', '3Gi', { claimRef: { name: 'd', namespace: 'default' } })],
    ['other attributes', volume('v', '3Gi', { volumeAttributesClassName: 'gold' })],
    ['not available', { ...volume('v', '3Gi'), status: { phase: 'Released' as const } }],
    ['being deleted', { ...volume('v', '3Gi'), metadata: { name: 'v', deletionTimestamp: '2026-01-01T00:00:00Z' } }],
  ])('passes over a volume of %s', (_why, candidate) => {
    expect(find([candidate])).toBeUndefined();
  });

  it('takes the one meant for the claim, whatever its phase, or none when the node cannot reach it', () => {
    const claimRef = { name: 'c', namespace: 'default' };
    const meant = { ...volume('meant', '10Gi', { claimRef }), status: { phase: 'Pending' as const } };
    expect(find([volume('right', '3Gi'), meant])).toBe('meant');
    expect(find([volume('far', '3Gi', { claimRef, ...onNode('n2') }), volume('right', '3Gi')])).toBeUndefined();
  });

  it('heeds the selector and what is promised already', () => {
    const selector = { matchLabels: { name: 'b' } };
    expect(find([volume('a', '3Gi'), volume('b', '5Gi')], claim({ selector }))).toBe('b');
    expect(find([volume('a', '3Gi'), volume('b', '5Gi')], claim(), { excluded: new Set(['a']) })).toBe('b');
  });

  it('leaves claims that wait for a pod alone, unless a volume is meant for them', () => {
    const controller = { nodeLabels: undefined, delayBinding: true };
    expect(find([volume('a', '3Gi')], claim(), controller)).toBeUndefined();
    expect(find([volume('a', '3Gi', { claimRef: { name: 'c', namespace: 'default' } })], claim(), controller)).toBe(
      'a',
    );
  });
});

describe('bindVolumeToClaim', () => {
  it('refers to the claim and marks who did it', () => {
    const free = volume('v', '3Gi');
    const { volume: bound, changed } = bindVolumeToClaim(free, claim());
    expect(changed).toBe(true);
    expect(bound.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
    expect(bound.spec?.claimRef).toEqual({
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'c',
      uid: 'u',
      apiVersion: 'v1',
      resourceVersion: '7',
    });
    expect(free.spec?.claimRef).toBeUndefined();
    expect(bindVolumeToClaim(bound, claim())).toEqual({ volume: bound, changed: false });
  });

  it('completes a reference that a user has written, without the mark', () => {
    const meant = volume('v', '3Gi', { claimRef: { name: 'c', namespace: 'default' } });
    expect(isVolumeBoundToClaim(meant, claim())).toBe(true);
    const { volume: bound, changed } = bindVolumeToClaim(meant, claim());
    expect(changed).toBe(true);
    expect(bound.spec?.claimRef?.uid).toBe('u');
    expect(bound.metadata.annotations).toBeUndefined();
  });
});

describe('the small ones', () => {
  it('the class is the annotation before the field', () => {
    const old = { ...claim(), metadata: { name: 'c', annotations: { 'volume.beta.kubernetes.io/storage-class': '' } } };
    expect([storageClassOf(claim()), storageClassOf(old)]).toEqual(['fast', '']);
  });

  it('topology terms', () => {
    const terms = [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }];
    expect(matchesTopologyTerms(terms, { zone: 'b' })).toBe(true);
    expect(matchesTopologyTerms(terms, { zone: 'c' })).toBe(false);
    expect(matchesTopologyTerms([{}], { zone: 'b' })).toBe(false);
    expect(matchesTopologyTerms([], {})).toBe(true);
  });

  it('claims of a pod', () => {
    const pod = {
      metadata: { name: 'p', namespace: 'default', uid: 'x' },
      spec: {
        containers: [],
        volumes: [
          { name: 'a', persistentVolumeClaim: { claimName: 'c' } },
          { name: 'b', emptyDir: {} },
          { name: 'e', ephemeral: {} },
        ],
      },
    };
    expect(podClaims(pod)).toEqual([
      { name: 'c', ephemeral: false },
      { name: 'p-e', ephemeral: true },
    ]);
    expect(notEphemeralClaimOf(pod, claim())).toBe(
      'PVC default/c was not created for pod default/p (pod is not owner)',
    );
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'x', controller: true }];
    expect(
      notEphemeralClaimOf(pod, { ...claim(), metadata: { ...claim().metadata, ownerReferences } }),
    ).toBeUndefined();
  });
});
