import { describe, expect, it } from 'vitest';
import type { FieldError } from '@kubets/apimachinery/field';
import { put, testOptions, texts, validTemplate } from '../../core/validation/testing/pods.ts';
import { validatePodTemplate } from '../../core/validation/template.ts';
import { validateReplicationController } from '../../core/validation/template-replication-controller.ts';
import { validateControllerRevision, validateControllerRevisionUpdate } from './controller-revision.ts';
import { validateDaemonSet, validateDaemonSetUpdate } from './daemon-set.ts';
import { validateDeployment, validateDeploymentStatusUpdate, validateDeploymentUpdate } from './deployment.ts';
import { validateReplicaSet, validateReplicaSetStatusUpdate, validateReplicaSetUpdate } from './replica-set.ts';
import { validateStatefulSet, validateStatefulSetStatusUpdate, validateStatefulSetUpdate } from './stateful-set.ts';

const options = testOptions({ isPod: false });
const metadata = { name: 'web', namespace: 'default' };
const selector = { matchLabels: { app: 'web' } };
// oxlint-disable-next-line typescript/no-explicit-any -- tables break objects in ways that their types forbid
type Loose = any;
type Changes = [string, unknown][];

const make = (spec: object, changes: Changes): Loose =>
  changes.reduce((object, [path, value]) => put(object, path, value), { metadata: { ...metadata }, spec: { ...spec } });

const kinds: Record<string, { spec: () => object; check: (object: Loose) => FieldError[] }> = {
  deployment: {
    spec: () => ({
      replicas: 1,
      selector,
      template: validTemplate(),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    }),
    check: (object) => validateDeployment(object, options),
  },
  replicaSet: {
    spec: () => ({ replicas: 1, selector, template: validTemplate() }),
    check: (object) => validateReplicaSet(object, options),
  },
  daemonSet: {
    spec: () => ({
      selector,
      template: validTemplate(),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    }),
    check: (object) => validateDaemonSet(object, options),
  },
  statefulSet: {
    spec: () => ({
      replicas: 1,
      selector,
      template: validTemplate(),
      serviceName: 'web',
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
    }),
    check: (object) => validateStatefulSet(object, options),
  },
  replicationController: {
    spec: () => ({ replicas: 1, selector: { app: 'web' }, template: validTemplate() }),
    check: (object) => validateReplicationController(object, options),
  },
};

const mismatch =
  'spec.template.metadata.labels: Invalid value: {"other":"x"}: `selector` does not match template `labels`';
const notAlways = 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"';
const never: Changes = [['spec.template.spec.restartPolicy', 'Never']];
const otherLabels: Changes = [['spec.template.metadata.labels', { other: 'x' }]];

const cases: [kind: string, changes: Changes, expected: string[]][] = [
  ...Object.keys(kinds).map((kind): [string, Changes, string[]] => [kind, [], []]),
  ...Object.keys(kinds).map((kind): [string, Changes, string[]] => [kind, otherLabels, [mismatch]]),
  ...Object.keys(kinds).map((kind): [string, Changes, string[]] => [kind, never, [notAlways]]),
  ['deployment', [['spec.replicas', -1]], ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
  [
    'deployment',
    [['spec.selector', {}]],
    ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  ],
  [
    'deployment',
    [['spec.strategy', { type: 'X' }]],
    ['spec.strategy: Unsupported value: {"type":"X"}: supported values: "Recreate", "RollingUpdate"'],
  ],
  [
    'deployment',
    [['spec.strategy.type', 'Recreate']],
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'deployment',
    [['spec.strategy.rollingUpdate', { maxUnavailable: 0, maxSurge: '0%' }]],
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
  ],
  [
    'deployment',
    [['spec.strategy.rollingUpdate', { maxUnavailable: '101%', maxSurge: 'x' }]],
    [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
  ],
  [
    'deployment',
    [
      ['spec.progressDeadlineSeconds', 5],
      ['spec.minReadySeconds', 5],
    ],
    ['spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
  ],
  [
    'deployment',
    [['spec.template.spec.activeDeadlineSeconds', 5]],
    ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported'],
  ],
  [
    'deployment',
    [['spec.template.spec.containers.0.name', '']],
    ['spec.template.spec.containers[0].name: Required value'],
  ],
  [
    'deployment',
    [['spec.template.metadata.labels.bad value', 'x']],
    [
      "spec.template.labels: Invalid value: \"bad value\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    'replicaSet',
    [['spec.selector', undefined]],
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  ],
  ['statefulSet', [['spec.serviceName', 'a.b']], ['spec.serviceName: Invalid value: "a.b": must not contain dots']],
  ['replicaSet', [['spec.template', undefined]], ['spec.template: Required value']],
  ['daemonSet', [['spec.selector', {}]], ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']],
  [
    'daemonSet',
    [['spec.updateStrategy.rollingUpdate', { maxUnavailable: 1, maxSurge: 1 }]],
    ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero'],
  ],
  [
    'daemonSet',
    [['spec.updateStrategy.rollingUpdate', { maxUnavailable: 0, maxSurge: 0 }]],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ],
  [
    'daemonSet',
    [['spec.updateStrategy', { type: 'RollingUpdate' }]],
    ['spec.updateStrategy.rollingUpdate: Required value'],
  ],
  [
    'daemonSet',
    [['spec.template.spec.volumes.0', { name: 'data', gcePersistentDisk: { pdName: 'd' } }]],
    [
      'spec.template.spec.volumes[0].gcePersistentDisk.readOnly: Invalid value: false: must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only',
    ],
  ],
  [
    'daemonSet',
    [['spec.template.spec.activeDeadlineSeconds', 5]],
    ['spec.template.spec.activeDeadlineSeconds: Invalid value: 5: activeDeadlineSeconds in DaemonSet is not Supported'],
  ],
  [
    'statefulSet',
    [['spec.podManagementPolicy', 'X']],
    ["spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'"],
  ],
  [
    'statefulSet',
    [['spec.updateStrategy', { type: 'OnDelete', rollingUpdate: {} }]],
    ["spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'"],
  ],
  [
    'statefulSet',
    [['spec.updateStrategy.rollingUpdate', { partition: -1, maxUnavailable: 0 }]],
    [
      'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0',
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
    ],
  ],
  [
    'statefulSet',
    [['spec.persistentVolumeClaimRetentionPolicy', { whenDeleted: 'X', whenScaled: 'Retain' }]],
    [
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "X": supported values: "Retain", "Delete"',
    ],
  ],
  [
    'statefulSet',
    [['spec.ordinals', { start: -1 }]],
    ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'statefulSet',
    [['spec.selector', {}]],
    ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
  ],
  ['statefulSet', [['spec.template.spec.containers.0.name', 'Mounts of claims are unknown: not checked here']], []],
  ['replicationController', [['spec.selector', {}]], ['spec.selector: Required value']],
  [
    'replicationController',
    [
      ['spec.template', undefined],
      ['spec.replicas', -1],
    ],
    ['spec.replicas: Invalid value: -1: must be greater than or equal to 0', 'spec.template: Required value'],
  ],
];

describe('workloads on create', () => {
  it.each(cases)('%s %j', (kind, changes, expected) => {
    const { spec, check } = kinds[kind]!;
    expect(texts(check(make(spec(), changes)))).toEqual(expected);
  });
});

describe('workloads on update', () => {
  const other: Changes = [
    ['spec.selector', { matchLabels: { app: 'web', x: 'y' } }],
    ['spec.template.metadata.labels', { app: 'web', x: 'y' }],
  ];
  const fixed = 'spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable';

  it('keep their selectors', () => {
    const pair = (kind: string): [Loose, Loose] => [make(kinds[kind]!.spec(), other), make(kinds[kind]!.spec(), [])];
    expect(texts(validateDeploymentUpdate(...pair('deployment'), options))).toEqual([fixed]);
    expect(texts(validateReplicaSetUpdate(...pair('replicaSet'), options))).toEqual([fixed]);
    expect(texts(validateDaemonSetUpdate(...pair('daemonSet'), options))).toEqual([fixed]);
    expect(texts(validateStatefulSetUpdate(...pair('statefulSet'), options))).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });

  it('may scale', () => {
    const { spec } = kinds['statefulSet']!;
    expect(texts(validateStatefulSetUpdate(make(spec(), [['spec.replicas', 3]]), make(spec(), []), options))).toEqual(
      [],
    );
  });
});

describe('statuses', () => {
  it('count what there is', () => {
    const status = { replicas: 1, readyReplicas: 2, availableReplicas: -1, collisionCount: 0 };
    const object: Loose = { metadata, status };
    const old: Loose = { metadata, status: { collisionCount: 1, replicas: 0 } };
    expect(texts(validateDeploymentStatusUpdate(object, old))).toEqual([
      'status.availableReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.collisionCount: Invalid value: 0: cannot be decremented',
    ]);
    expect(
      texts(
        validateReplicaSetStatusUpdate({ metadata, status: { replicas: 1, readyReplicas: 0, availableReplicas: 1 } }),
      ),
    ).toEqual(['status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas']);
    expect(
      texts(validateStatefulSetStatusUpdate({ metadata, status: { replicas: 0, updatedReplicas: 1 } }, { metadata })),
    ).toEqual(['status.updatedReplicas: Invalid value: 1: cannot be greater than status.replicas']);
  });
});

describe('controller revisions and pod templates', () => {
  it('need data, which stays', () => {
    const old = { metadata, revision: 1, data: { a: 1 } };
    expect(texts(validateControllerRevision({ metadata, revision: -1 }))).toEqual([
      'data: Required value: data is mandatory',
      'revision: Invalid value: -1: must be greater than or equal to 0',
    ]);
    expect(texts(validateControllerRevisionUpdate({ ...old, data: { a: 2 } }, old))).toEqual([
      'data: Invalid value: {"a":2}: field is immutable',
    ]);
    expect(validateControllerRevisionUpdate({ ...old, revision: 2 }, old)).toEqual([]);
  });

  it('are checked like pods', () => {
    const template = put(validTemplate(), 'spec.ephemeralContainers', [
      { name: 'x', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' },
    ]);
    expect(texts(validatePodTemplate({ metadata, template }, options))).toEqual([
      'template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template',
    ]);
  });
});
