import { describe, expect, it } from 'vitest';
import { changed, texts } from '../../core/validation/resource-names-testing.ts';
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../../generated/types/storage-v1.ts';
import {
  validateCSIDriver,
  validateCSIDriverUpdate,
  validateCSINode,
  validateCSINodeUpdate,
  validateCSIStorageCapacity,
  validateCSIStorageCapacityUpdate,
} from './csi.ts';
import {
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolumeAttributesClass,
  validateVolumeAttributesClassUpdate,
} from './storage-class.ts';
import { validateVolumeAttachment, validateVolumeAttachmentUpdate } from './volume-attachment.ts';

type Row = [Record<string, unknown>, string[]];
const immutable = 'field is immutable';

describe('storage classes', () => {
  const storageClass: StorageClass = {
    metadata: { name: 'c' },
    provisioner: 'example.com/p',
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  };
  const term = 'allowedTopologies[0].matchLabelExpressions';

  it.each<Row>([
    [{}, []],
    [{ provisioner: '' }, ['provisioner: Required value']],
    [{ reclaimPolicy: 'X' }, ['reclaimPolicy: Unsupported value: "X": supported values: "Delete", "Retain"']],
    [{ volumeBindingMode: undefined }, ['volumeBindingMode: Required value']],
    [
      { volumeBindingMode: 'X' },
      ['volumeBindingMode: Unsupported value: "X": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    [{ [`${term}[0].values`]: [] }, [`${term}[0].values: Required value`]],
    [{ [`${term}[0].values[1]`]: 'a' }, [`${term}[0].values[1]: Duplicate value: "a"`]],
    [{ [`${term}[1]`]: { key: 'zone', values: ['b'] } }, [`${term}[1].key: Duplicate value: "zone"`]],
  ])('with %j', (changes, expected) => {
    expect(texts(validateStorageClass(changed(storageClass, changes)))).toEqual(expected);
  });

  it('stay as they are', () => {
    const changes = { parameters: { a: 'b' }, provisioner: 'x', reclaimPolicy: 'Retain' };
    expect(texts(validateStorageClassUpdate(changed(storageClass, changes), storageClass))).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
    ]);
    const later = changed(storageClass, { volumeBindingMode: 'WaitForFirstConsumer' });
    expect(texts(validateStorageClassUpdate(later, storageClass))).toEqual([
      `volumeBindingMode: Invalid value: "WaitForFirstConsumer": ${immutable}`,
    ]);
  });

  it('of volume attributes have parameters, for good', () => {
    const attributes: VolumeAttributesClass = { metadata: { name: 'a' }, driverName: 'd', parameters: { a: 'b' } };
    expect(validateVolumeAttributesClass(attributes)).toEqual([]);
    expect(texts(validateVolumeAttributesClass(changed(attributes, { parameters: {}, driverName: '' })))).toEqual([
      'driverName: Required value',
      'parameters: Required value: must contain at least one key/value pair',
    ]);
    const other = changed(attributes, { driverName: 'e' });
    expect(texts(validateVolumeAttributesClassUpdate(other, attributes))).toEqual([
      `driverName: Invalid value: "e": ${immutable}`,
    ]);
  });
});

describe('CSI drivers', () => {
  const driver: CSIDriver = {
    metadata: { name: 'd.example.com' },
    spec: { attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: 'File' },
  };

  it.each<Row>([
    [{}, []],
    [{ 'spec.attachRequired': undefined }, ['spec.attachedRequired: Required value']],
    [{ 'spec.podInfoOnMount': undefined }, ['spec.podInfoOnMount: Required value']],
    [{ 'spec.storageCapacity': undefined }, ['spec.storageCapacity: Required value']],
    [
      { 'spec.fsGroupPolicy': 'X' },
      ['spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ],
    [
      { 'spec.tokenRequests': [{ audience: 'a', expirationSeconds: 599 }] },
      ['spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes'],
    ],
    [
      { 'spec.tokenRequests': [{ audience: 'a' }, { audience: 'a' }] },
      ['spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ],
    [
      { 'spec.volumeLifecycleModes': ['X'] },
      ['spec.volumeLifecycleModes: Unsupported value: "X": supported values: "Ephemeral", "Persistent"'],
    ],
    [
      { 'spec.nodeAllocatableUpdatePeriodSeconds': 9 },
      ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds'],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateCSIDriver(changed(driver, changes)))).toEqual(expected);
  });

  it('keep how they attach', () => {
    expect(texts(validateCSIDriverUpdate(changed(driver, { 'spec.attachRequired': false }), driver))).toEqual([
      `spec.attachedRequired: Invalid value: false: ${immutable}`,
    ]);
  });

  const node: CSINode = {
    metadata: { name: 'n' },
    spec: { drivers: [{ name: 'd', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 1 } }] },
  };

  it.each<Row>([
    [{}, []],
    [{ 'spec.drivers[0].nodeID': '' }, ['spec.drivers[0].nodeID: Required value']],
    [
      { 'spec.drivers[0].nodeID': 'x'.repeat(193) },
      [`spec.drivers[0].nodeID: Invalid value: "${'x'.repeat(193)}": must be 192 characters or less`],
    ],
    [
      { 'spec.drivers[0].allocatable.count': -1 },
      ['spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [{ 'spec.drivers[1]': { name: 'd', nodeID: 'm' } }, ['spec.drivers[1].name: Duplicate value: "d"']],
    [{ 'spec.drivers[0].topologyKeys[1]': 'zone' }, ['spec.drivers[0].topologyKeys: Duplicate value: "zone"']],
  ])('on nodes with %j', (changes, expected) => {
    expect(texts(validateCSINode(changed(node, changes)))).toEqual(expected);
  });

  it('on nodes stay as they are while they are there', () => {
    const more = changed(node, { 'spec.drivers[0].allocatable.count': 2 });
    expect(validateCSINodeUpdate(more, node, { mutableCount: true })).toEqual([]);
    expect(texts(validateCSINodeUpdate(more, node, { mutableCount: false }))).toEqual([
      `CSINode: Invalid value: {"name":"d","nodeID":"n","topologyKeys":["zone"],"allocatable":{"count":2}}: ${immutable}`,
    ]);
  });

  it('tell their capacity', () => {
    const capacity: CSIStorageCapacity = { metadata: { name: 'c' }, storageClassName: 'fast', capacity: '1Gi' };
    expect(validateCSIStorageCapacity(capacity)).toEqual([]);
    expect(texts(validateCSIStorageCapacity(changed(capacity, { capacity: '-1' })))).toEqual([
      'capacity: Invalid value: "-1": must be greater than or equal to 0',
    ]);
    const other = changed(capacity, { storageClassName: 'slow' });
    expect(texts(validateCSIStorageCapacityUpdate(other, capacity))).toEqual([
      `storageClassName: Invalid value: "slow": ${immutable}`,
    ]);
  });
});

describe('volume attachments', () => {
  const attachment: VolumeAttachment = {
    metadata: { name: 'a' },
    spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  };
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

  it.each<Row>([
    [{}, []],
    [{ 'spec.source': {} }, [`spec.source: Required value: ${one}`]],
    [{ 'spec.source.inlineVolumeSpec': {} }, [`spec.source: Forbidden: ${one}`]],
    [
      { 'spec.source.persistentVolumeName': '' },
      ['spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName'],
    ],
    [
      { 'status.attachError.message': 'x'.repeat(1025) },
      ['status.attachError.message: Too long: may not be more than 1024 bytes'],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateVolumeAttachment(changed(attachment, changes)))).toEqual(expected);
  });

  it('stay where they are', () => {
    const moved = changed(attachment, { 'spec.nodeName': 'm' });
    expect(texts(validateVolumeAttachmentUpdate(moved, attachment))).toEqual([
      `spec: Invalid value: {"attacher":"d","nodeName":"m","source":{"persistentVolumeName":"v"}}: ${immutable}`,
    ]);
  });
});
