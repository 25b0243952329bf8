import { describe, expect, it } from 'vitest';
import type {
  ObjectReference,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from '@kubets/api/types/core-v1';
import type { StorageClass } from '@kubets/api/types/storage-v1';
import { boundClaim, claimStatus, unboundVolume } from './bindings.ts';
import { planClaim, type ClaimView } from './claim-plan.ts';
import { defaultClass, externalProvisioner } from './storage-classes.ts';
import { planVolume, reclaimFailure } from './volume-plan.ts';

const namespace = 'n';
const bindCompleted = { 'pv.kubernetes.io/bind-completed': 'yes' };
const byController = { 'pv.kubernetes.io/bound-by-controller': 'yes' };

const volume = (
  name: string,
  spec: Partial<PersistentVolumeSpec> = {},
  annotations?: Record<string, string>,
): PersistentVolume => ({
  metadata: { name, ...(annotations && { annotations }) },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
  status: { phase: 'Available' },
});

const claim = (
  spec: Partial<PersistentVolumeClaimSpec> = {},
  annotations?: Record<string, string>,
): PersistentVolumeClaim => ({
  metadata: { name: 'c', namespace, uid: 'u', ...(annotations && { annotations }) },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '', ...spec },
});

const storageClass = (name: string, changes: Partial<StorageClass> = {}): StorageClass => ({
  metadata: { name },
  provisioner: 'test.csi',
  ...changes,
});

const reference = (uid?: string, name = 'c'): ObjectReference => ({ namespace, name, ...(uid && { uid }) });

const view = (
  volumes: PersistentVolume[],
  classes: StorageClass[] = [],
  unscheduledPods: string[] = [],
): ClaimView => ({
  volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
  volumesByModes: () => [volumes],
  storageClass: (name) => classes.find(({ metadata }) => metadata.name === name),
  storageClasses: () => classes,
  unscheduledPods: () => unscheduledPods,
});

describe('planClaim', () => {
  const late = storageClass('late', { volumeBindingMode: 'WaitForFirstConsumer' });
  const ofLate = { storageClassName: 'late' };
  const standard = storageClass('std', {
    metadata: { name: 'std', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  });
  const node = { 'volume.kubernetes.io/selected-node': 'x' };
  const unnamed = { ...claim(), spec: { accessModes: ['ReadWriteOnce' as const] } };

  it.each<[string, PersistentVolumeClaim, ClaimView, string]>([
    ['a volume that suits', claim(), view([volume('v')]), 'bind'],
    ['too small', claim(), view([volume('v', { capacity: { storage: '1Mi' } })]), 'pending FailedBinding'],
    ['of another mode', claim(), view([volume('v', { volumeMode: 'Block' })]), 'pending FailedBinding'],
    ['of another class', claim(), view([volume('v', { storageClassName: 'x' })]), 'pending FailedBinding'],
    [
      'without the labels',
      claim({ selector: { matchLabels: { a: 'b' } } }),
      view([volume('v')]),
      'pending FailedBinding',
    ],
    ['meant for another', claim(), view([volume('v', { claimRef: reference('', 'd') })]), 'pending FailedBinding'],
    ['no class named', unnamed, view([], [standard]), 'assignClass'],
    ['no default class', unnamed, view([], [late]), 'pending FailedBinding'],
    ['no class wanted', claim(), view([], [standard]), 'pending FailedBinding'],
    ['provisioned outside', claim({ storageClassName: 'std' }), view([], [standard]), 'provision ExternalProvisioning'],
    ['a class that is not there', claim({ storageClassName: 'x' }), view([]), 'pending ProvisioningFailed'],
    [
      'made by hand',
      claim({ storageClassName: 'hand' }),
      view([], [storageClass('hand', { provisioner: 'kubernetes.io/no-provisioner' })]),
      'pending ProvisioningFailed',
    ],
    ['bound late', claim(ofLate), view([volume('v', ofLate)], [late]), 'pending WaitForFirstConsumer'],
    ['bound late, with a pod', claim(ofLate), view([], [late], ['p']), 'pending WaitForPodScheduled'],
    ['bound late, with a node', claim(ofLate, node), view([], [late]), 'provision ExternalProvisioning'],
    [
      'bound late, chosen by the scheduler',
      claim(ofLate),
      view([volume('v', { ...ofLate, claimRef: reference('u') })], [late]),
      'bind',
    ],
    ['a volume that is not there', claim({ volumeName: 'v' }), view([]), 'pending'],
    ['the named volume', claim({ volumeName: 'v' }), view([volume('v')]), 'bind'],
    [
      'the named volume does not suit',
      claim({ volumeName: 'v' }),
      view([volume('v', { accessModes: ['ReadOnlyMany'] })]),
      'pending VolumeMismatch',
    ],
    [
      'the named volume is taken',
      claim({ volumeName: 'v' }),
      view([volume('v', { claimRef: reference('other', 'd') })]),
      'pending FailedBinding',
    ],
    [
      'binding goes on',
      claim({ volumeName: 'v' }, bindCompleted),
      view([volume('v', { claimRef: reference('u') })]),
      'bind',
    ],
    ['the volume is gone', claim({ volumeName: 'v' }, bindCompleted), view([]), 'lost ClaimLost'],
    ['the name is gone', claim({}, bindCompleted), view([volume('v')]), 'lost ClaimLost'],
    [
      'the volume is somebody else’s',
      claim({ volumeName: 'v' }, bindCompleted),
      view([volume('v', { claimRef: reference('other', 'd') })]),
      'lost ClaimMisbound',
    ],
  ])('%s', (_, given, world, expected) => {
    const action = planClaim(given, world);
    const event = 'event' in action ? action.event : undefined;
    expect([action.type, event?.reason].filter(Boolean).join(' ')).toBe(expected);
  });

  it('names the pods that are waited for', () => {
    const action = planClaim(claim(ofLate), view([], [late], ['p', 'q']));
    expect(action).toMatchObject({ event: { message: 'waiting for pods p,q to be scheduled' } });
  });

  it('does not believe claims whose marks were taken away', () => {
    const given = claim({ volumeName: 'v' }, byController);
    const action = planClaim(given, view([volume('v', { claimRef: reference('other', 'd') })]));
    const failure = 'invalid binding of claim "n/c" to volume "v": volume already claimed by "n/d"';
    expect(action).toMatchObject({ type: 'pending', failure });
  });
});

describe('planVolume', () => {
  const made = { 'pv.kubernetes.io/provisioned-by': 'test.csi' };
  it.each<[string, PersistentVolume, PersistentVolumeClaim | undefined, string]>([
    ['free', volume('v'), undefined, 'phase Available'],
    ['reserved', volume('v', { claimRef: reference() }), claim(), 'phase Available'],
    ['bound', volume('v', { claimRef: reference('u') }), claim({ volumeName: 'v' }), 'phase Bound'],
    ['half bound', volume('v', { claimRef: reference('u') }), claim(), 'syncClaim'],
    ['of another mode', volume('v', { claimRef: reference('u'), volumeMode: 'Block' }), claim(), 'mismatch'],
    ['left', volume('v', { claimRef: reference('u') }), undefined, 'release'],
    ['not needed', volume('v', { claimRef: reference('u') }), claim({ volumeName: 'w' }), 'unbind'],
    [
      'made in vain',
      volume('v', { claimRef: reference('u'), persistentVolumeReclaimPolicy: 'Delete' }, made),
      claim({ volumeName: 'w' }),
      'release',
    ],
  ])('%s', (_, given, owner, expected) => {
    const action = planVolume(given, owner);
    expect(action.type === 'phase' ? `phase ${action.phase}` : action.type).toBe(expected);
  });

  it.each<[Partial<PersistentVolumeSpec>, Record<string, string>, string | undefined]>([
    [{ persistentVolumeReclaimPolicy: 'Retain' }, {}, undefined],
    [{ persistentVolumeReclaimPolicy: 'Delete' }, made, undefined],
    [{ persistentVolumeReclaimPolicy: 'Delete' }, { 'pv.kubernetes.io/migrated-to': 'x' }, undefined],
    [{ persistentVolumeReclaimPolicy: 'Delete' }, {}, 'VolumeFailedDelete'],
    [
      { persistentVolumeReclaimPolicy: 'Delete' },
      { 'pv.kubernetes.io/provisioned-by': 'kubernetes.io/x' },
      'VolumeFailedDelete',
    ],
    [{ persistentVolumeReclaimPolicy: 'Recycle' }, {}, 'VolumeFailedRecycle'],
    [{ persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/data' } }, {}, 'VolumeFailedDelete'],
  ])('reclaiming %j with %j', (spec, annotations, reason) => {
    expect(reclaimFailure(volume('v', spec, annotations))?.reason).toBe(reason);
  });
});

describe('bindings', () => {
  it('marks what the controller has chosen', () => {
    const bound = boundClaim(claim(), volume('v'));
    expect(bound?.metadata.annotations).toEqual({ ...byController, ...bindCompleted });
    expect(bound?.spec?.volumeName).toBe('v');
    expect(bound && boundClaim(bound, volume('v'))).toBeUndefined();
    expect(boundClaim(claim({ volumeName: 'v' }), volume('v'))?.metadata.annotations).toEqual(bindCompleted);
  });

  it('leaves what a user has reserved reserved', () => {
    const reserved = unboundVolume(volume('v', { claimRef: reference('u') }));
    expect(reserved.spec?.claimRef).toEqual(reference());
    const chosen = unboundVolume(volume('v', { claimRef: reference('u') }, byController));
    expect(chosen.spec?.claimRef).toBeUndefined();
    expect(chosen.metadata.annotations).toBeUndefined();
  });

  it('says what the volume offers, once', () => {
    const status = claimStatus(claim(), 'Bound', volume('v'));
    expect(status).toEqual({ phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } });
    const bound = { ...claim(), ...(status && { status }) };
    expect(claimStatus(bound, 'Bound', volume('v'))).toBeUndefined();
    // The file system may be smaller than the volume for a while.
    expect(claimStatus(bound, 'Bound', volume('v', { capacity: { storage: '2Gi' } }))).toBeUndefined();
    expect(claimStatus(bound, 'Lost')).toEqual({ phase: 'Lost' });
    expect(() => claimStatus(claim(), 'Bound', volume('v', { capacity: {} }))).toThrow('without a storage capacity');
  });
});

describe('storage classes', () => {
  const marked = (name: string, creationTimestamp: string): StorageClass => ({
    ...storageClass(name),
    metadata: { name, creationTimestamp, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  });

  it('prefers the newest default, then the first by name', () => {
    const [old, later] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    expect(defaultClass([marked('a', old), marked('c', later), marked('b', later)])?.metadata.name).toBe('b');
    expect(defaultClass([storageClass('a')])).toBeUndefined();
  });

  it.each([
    ['test.csi', 'test.csi'],
    ['kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
    ['kubernetes.io/no-provisioner', undefined],
  ])('%s is provisioned by %s', (provisioner, expected) => {
    expect(externalProvisioner(storageClass('a', { provisioner }))).toBe(expected);
  });
});
