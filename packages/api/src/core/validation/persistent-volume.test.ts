import { describe, expect, it } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types/core-v1.ts';
import {
  claimWarnings,
  validateClaim,
  validateClaimStatusUpdate,
  validateClaimUpdate,
} from './persistent-volume-claim.ts';
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './persistent-volume.ts';
import { changed, texts } from './resource-names-testing.ts';

type Row = [Record<string, unknown>, string[]];

const volume: PersistentVolume = {
  metadata: { name: 'v' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    csi: { driver: 'example.com', volumeHandle: 'h' },
    persistentVolumeReclaimPolicy: 'Retain',
    volumeMode: 'Filesystem',
  },
};
const modes = '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"';

describe('persistent volumes', () => {
  it.each<Row>([
    [{}, []],
    [{ 'spec.accessModes': [] }, ['spec.accessModes: Required value']],
    [{ 'spec.accessModes': ['X'] }, [`spec.accessModes: Unsupported value: "X": supported values: ${modes}`]],
    [
      { 'spec.accessModes[1]': 'ReadWriteOncePod' },
      ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    ],
    [
      { 'spec.capacity': {} },
      ['spec.capacity: Required value', 'spec.capacity: Unsupported value: {}: supported values: "storage"'],
    ],
    [{ 'spec.capacity.storage': '0' }, ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
    [
      { 'spec.persistentVolumeReclaimPolicy': 'X' },
      ['spec.persistentVolumeReclaimPolicy: Unsupported value: "X": supported values: "Delete", "Recycle", "Retain"'],
    ],
    [{ 'spec.csi': undefined }, ['spec: Required value: must specify a volume type']],
    [{ 'spec.hostPath': { path: '/a' } }, ['spec.csi: Forbidden: may not specify more than 1 volume type']],
    [{ 'spec.csi.volumeHandle': '' }, ['spec.csi.volumeHandle: Required value']],
    [
      { 'spec.csi': undefined, 'spec.local': { path: '/a' } },
      ['metadata.annotations: Required value: Local volume requires node affinity'],
    ],
    [
      { 'spec.csi': undefined, 'spec.hostPath.path': '/', 'spec.persistentVolumeReclaimPolicy': 'Recycle' },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [
      { 'spec.nodeAffinity': {} },
      ['spec.nodeAffinity.required: Required value: must specify required node constraints'],
    ],
    [{ 'spec.volumeMode': 'X' }, ['spec.volumeMode: Unsupported value: "X": supported values: "Block", "Filesystem"']],
    [
      { 'spec.volumeAttributesClassName': '' },
      ['spec.volumeAttributesClassName: Required value: an empty string is disallowed'],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validatePersistentVolume(changed(volume, changes)))).toEqual(expected);
  });

  it('stay where they are', () => {
    const update = (changes: Record<string, unknown>): string[] =>
      texts(validatePersistentVolumeUpdate(changed(volume, changes), volume, { mutableNodeAffinity: false }));
    expect(update({ 'spec.csi.controllerExpandSecretRef': { name: 'a', namespace: 'b' } })).toEqual([]);
    expect(update({ 'spec.csi.volumeHandle': 'i' })).toEqual([
      expect.stringMatching(
        /^spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n/,
      ),
    ]);
    expect(update({ 'spec.volumeMode': 'Block' })).toEqual(['volumeMode: Invalid value: "Block": field is immutable']);
  });
});

const claim: PersistentVolumeClaim = {
  metadata: { name: 'c', namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '2Gi' } },
    storageClassName: 'fast',
    volumeMode: 'Filesystem',
  },
  status: { phase: 'Pending' },
};
const bound = changed(claim, { 'spec.volumeName': 'v', status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
const rules = { recoverExpansion: true, volumeAttributesClass: true };
const immutable =
  /^spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n/;

describe('claims', () => {
  it.each<Row>([
    [{}, []],
    [{ 'spec.accessModes': [] }, ['spec.accessModes: Required value: at least 1 access mode is required']],
    [{ 'spec.resources': {} }, ['spec.resources[storage]: Required value']],
    [
      { 'spec.resources.requests.storage': '0' },
      ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
    ],
    [{ 'spec.dataSource': { kind: 'PersistentVolumeClaim' } }, ['spec.dataSource.name: Required value']],
  ])('with %j', (changes, expected) => {
    expect(texts(validateClaim(changed(claim, changes)))).toEqual(expected);
  });

  const update = (changes: Record<string, unknown>, old = bound): string[] =>
    texts(validateClaimUpdate(changed(old, changes), old, rules));

  it('are bound, grow and shrink back', () => {
    expect(update({ 'spec.volumeName': 'v' }, claim)).toEqual([]);
    expect(update({ 'spec.resources.requests.storage': '3Gi' })).toEqual([]);
    expect(update({ 'spec.resources.requests.storage': '1500Mi' })).toEqual([]);
    expect(update({ 'spec.resources.requests.storage': '1Gi' })).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
    expect(update({ 'spec.resources.requests.storage': '3Gi' }, claim)).toEqual([expect.stringMatching(immutable)]);
  });

  it('keep the rest', () => {
    expect(update({ 'spec.volumeName': 'w' })).toEqual([expect.stringMatching(immutable)]);
    expect(update({ 'spec.storageClassName': 'slow' })).toEqual([expect.stringMatching(immutable)]);
    expect(update({ 'spec.volumeMode': 'Block' })).toEqual([
      expect.stringMatching(immutable),
      'volumeMode: Invalid value: "Block": field is immutable',
    ]);
    const classless = changed(claim, { 'spec.storageClassName': undefined });
    expect(update({ 'spec.storageClassName': 'fast' }, classless)).toEqual([]);
    const modified = changed(bound, { 'spec.volumeAttributesClassName': 'gold' });
    expect(update({ 'spec.volumeAttributesClassName': 'silver' }, modified)).toEqual([]);
    expect(update({ 'spec.volumeAttributesClassName': undefined }, modified)).toEqual([
      'spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden',
    ]);
  });

  it('have a checked status, and warnings', () => {
    const status = changed(bound, { 'status.capacity.storage': '-1', 'status.allocatedResourceStatuses.storage': 'X' });
    expect(texts(validateClaimStatusUpdate(status))).toEqual([
      'status.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'status.allocatedResourceStatus[storage]: Unsupported value: "X": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    ]);
    expect(claimWarnings(changed(claim, { 'spec.resources.requests.storage': '1500m' }))).toEqual([
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]);
  });
});
