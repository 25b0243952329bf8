import { describe, expect, it } from 'vitest';
import type { Pod } from '../../generated/types/core-v1.ts';
import { validatePodResize } from './pod-resize.ts';
import { validatePodStatusUpdate } from './pod-status.ts';
import { validateEphemeralContainersUpdate, validatePodUpdate } from './pod-update.ts';
import { computePodQOS } from './pod-qos.ts';
import { put, testOptions, texts, validPod } from './testing/pods.ts';

type Changes = [string, unknown][];

const changed = (changes: Changes, base = validPod()): Pod =>
  changes.reduce((pod, [path, value]) => put(pod, path, value), base);

function update(changes: Changes, before: Changes = []): string[] {
  const old = changed(before);
  return texts(validatePodUpdate({ pod: changed([...before, ...changes]), old }, testOptions({ old })));
}

describe('an update of a pod', () => {
  it.each<[string, Changes, Changes?]>([
    ['nothing', []],
    ['an image', [['spec.containers.0.image', 'other']]],
    ['a first deadline', [['spec.activeDeadlineSeconds', 10]]],
    ['an earlier deadline', [['spec.activeDeadlineSeconds', 5]], [['spec.activeDeadlineSeconds', 10]]],
    ['one more toleration', [['spec.tolerations', [{ key: 'a', operator: 'Exists' }]]]],
    ['fewer gates', [['spec.schedulingGates', []]], [['spec.schedulingGates', [{ name: 'a' }]]]],
    [
      'a negative grace period to 1',
      [['spec.terminationGracePeriodSeconds', 1]],
      [['spec.terminationGracePeriodSeconds', -1]],
    ],
    ['node selector of a gated pod', [['spec.nodeSelector', { a: 'b' }]], [['spec.schedulingGates', [{ name: 'g' }]]]],
    ['labels', [['metadata.labels', { other: 'x' }]]],
  ])('may change %s', (_what, changes, before) => {
    expect(update(changes, before)).toEqual([]);
  });

  it.each<[Changes, Changes, string[]]>([
    [
      [['spec.containers', []]],
      [],
      ['spec.containers: Required value', 'spec.containers: Forbidden: pod updates may not add or remove containers'],
    ],
    [
      [['spec.activeDeadlineSeconds', 20]],
      [['spec.activeDeadlineSeconds', 10]],
      ['spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value'],
    ],
    [
      [['spec.activeDeadlineSeconds', undefined]],
      [['spec.activeDeadlineSeconds', 10]],
      ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
    ],
    [
      [['spec.tolerations', []]],
      [['spec.tolerations', [{ key: 'a', operator: 'Exists' }]]],
      ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ],
    [
      [['spec.schedulingGates', [{ name: 'b' }]]],
      [['spec.schedulingGates', [{ name: 'a' }]]],
      ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'"],
    ],
    [
      [['spec.nodeSelector', {}]],
      [
        ['spec.nodeSelector', { a: 'b' }],
        ['spec.schedulingGates', [{ name: 'g' }]],
      ],
      [
        'spec.nodeSelector: Invalid value: {}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ],
    ],
    [
      [
        ['metadata.annotations', { 'kubernetes.io/config.mirror': 'x' }],
        ['spec.nodeName', 'n'],
      ],
      [['spec.nodeName', 'n']],
      ['metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation'],
    ],
  ])('%j', (changes, before, expected) => {
    expect(update(changes, before)).toEqual(expected);
  });

  it('says what may change, and what has', () => {
    const [error = ''] = update([['spec.hostname', 'other']]);
    expect(error).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,`spec\.activeDeadlineSeconds`,`spec\.tolerations` \(only additions to existing tolerations\),`spec\.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)\n/,
    );
    expect(error).toContain('+   "hostname": "other",');
  });
});

describe('ephemeral containers', () => {
  const debug = { name: 'debug', image: 'i', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' };
  const check = (before: unknown[], after: unknown[], annotations?: Record<string, string>): string[] => {
    const old = changed([
      ['spec.ephemeralContainers', before],
      ['metadata.annotations', annotations],
    ]);
    const pod = changed([['spec.ephemeralContainers', after]]);
    return texts(validateEphemeralContainersUpdate({ pod, old }, testOptions({ old })));
  };

  it('may be added, but not changed or removed', () => {
    expect(check([], [debug])).toEqual([]);
    expect(check([debug], [])).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ]);
    expect(check([debug], [{ ...debug, image: 'j' }])[0]).toMatch(
      /^spec\.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n/,
    );
  });

  it('have no ports, probes or resources', () => {
    expect(check([], [{ ...debug, ports: [{ containerPort: 1, protocol: 'TCP' }], targetContainerName: 'x' }])).toEqual(
      [
        'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
        'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
      ],
    );
  });

  it('are not for static pods', () => {
    expect(check([], [debug], { 'kubernetes.io/config.mirror': 'x' })).toEqual([
      '[]: Forbidden: static pods do not support ephemeral containers',
    ]);
  });
});

describe('a resize', () => {
  const check = (changes: Changes, before: Changes = []): string[] => {
    const old = changed([...before, ['status', { qosClass: 'Burstable' }]]);
    return texts(validatePodResize({ pod: changed([...before, ...changes]), old }, testOptions({ old })));
  };
  const c0 = 'spec.containers.0.resources';

  it('changes CPU and memory', () => {
    expect(
      check([
        [`${c0}.requests.cpu`, '600m'],
        [`${c0}.limits.memory`, '2Gi'],
      ]),
    ).toEqual([]);
  });

  it.each<[Changes, string[]]>([
    [
      [[`${c0}.requests`, { memory: '1Gi' }]],
      ['spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed'],
    ],
    [[[`${c0}.requests.ephemeral-storage`, '1Gi']], ['spec: Forbidden: only cpu and memory resources are mutable']],
    [
      [[`${c0}.requests`, { cpu: '1', memory: '1Gi' }]],
      ['spec: Invalid value: "": Pod QOS Class may not change as a result of resizing'],
    ],
    [
      [['spec.containers.0.name', 'other']],
      ['spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize'],
    ],
    [[['spec.hostname', 'x']], ['spec: Forbidden: only cpu and memory resources are mutable']],
  ])('%j', (changes, expected) => {
    expect(check(changes)).toEqual(expected);
  });

  it('is not for Windows', () => {
    expect(check([], [['spec.os', { name: 'windows' }]])).toEqual(['[]: Forbidden: windows pods cannot be resized']);
  });
});

describe('an update of the status', () => {
  const check = (status: unknown, before: unknown = {}, spec: Changes = []): string[] => {
    const old = changed([...spec, ['status', before]]);
    return texts(validatePodStatusUpdate({ pod: changed([...spec, ['status', status]]), old }, testOptions({ old })));
  };
  const ended = { name: 'app', state: { terminated: { exitCode: 0 } } };
  const running = { name: 'app', state: { running: {} } };

  it('is accepted when valid', () => {
    const status = {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.1' }, { ip: '::1' }],
      hostIP: '1.2.3.4',
      hostIPs: [{ ip: '1.2.3.4' }],
    };
    expect(check(status)).toEqual([]);
  });

  it.each<[unknown, unknown, Changes, string[]]>([
    [
      { qosClass: 'Burstable' },
      { qosClass: 'BestEffort' },
      [],
      ['status.qosClass: Invalid value: "Burstable": field is immutable'],
    ],
    [
      { podIPs: [{ ip: '1.1.1.1' }, { ip: '1.1.1.2' }] },
      {},
      [],
      [
        'status.podIPs: Invalid value: [{"ip":"1.1.1.1"},{"ip":"1.1.1.2"}]: may specify no more than one IP for each IP family',
      ],
    ],
    [
      { hostIPs: [{ ip: '1.1.1.1' }] },
      {},
      [],
      ['status.hostIPs[0].ip: Invalid value: "1.1.1.1": must be equal to `hostIP`'],
    ],
    [
      { containerStatuses: [running] },
      { containerStatuses: [ended] },
      [['spec.restartPolicy', 'OnFailure']],
      ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'],
    ],
    [{ containerStatuses: [running] }, { containerStatuses: [ended] }, [], []],
    [
      { nominatedNodeName: 'n' },
      {},
      [['spec.nodeName', 'other']],
      ['status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node'],
    ],
    [
      { observedGeneration: -1 },
      {},
      [],
      ['status.observedGeneration: Invalid value: -1: must be a non-negative integer'],
    ],
    [
      { resourceClaimStatuses: [{ name: 'x' }] },
      {},
      [],
      [
        'status.resourceClaimStatuses[0].name: Invalid value: "x": must match the name of an entry in `spec.resourceClaims`',
      ],
    ],
    [
      { extendedResourceClaimStatus: { requestMappings: [], resourceClaimName: 'c' } },
      {},
      [],
      ['status.extendedResourceClaimStatus.requestMappings: Required value: at least one request mapping is required'],
    ],
    [
      { containerStatuses: [{ name: 'app', user: { linux: { uid: -1, gid: 0 } } }] },
      {},
      [],
      ['status.containerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 4294967295, inclusive'],
    ],
    [
      {
        containerStatuses: [
          { name: 'app', allocatedResourcesStatus: [{ name: 'gpu', resources: [{ resourceID: 'a', health: 'Bad' }] }] },
        ],
      },
      {},
      [],
      [
        'status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: "gpu": must match one of the container\'s resource requests',
        'status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value: "Bad": supported values: "Healthy", "Unhealthy", "Unknown"',
      ],
    ],
  ])('%j after %j', (status, before, spec, expected) => {
    expect(check(status, before, spec)).toEqual(expected);
  });
});

describe('the quality of service', () => {
  const of = (resources: unknown): string =>
    computePodQOS(changed([['spec.containers.0.resources', resources]]).spec!, true);

  it('follows from requests and limits', () => {
    const both = { cpu: '1', memory: '1Gi' };
    expect(of({ requests: both, limits: { cpu: '1000m', memory: '1024Mi' } })).toBe('Guaranteed');
    expect(of({ limits: both, requests: { cpu: '1' } })).toBe('Burstable');
    expect(of({ limits: { cpu: '1' }, requests: { cpu: '1' } })).toBe('Burstable');
    expect(of({ requests: { 'nvidia.com/gpu': '1' } })).toBe('BestEffort');
    expect(of(undefined)).toBe('BestEffort');
  });

  it('is that of the pod where it has resources of its own', () => {
    const both = { cpu: '1', memory: '1Gi' };
    const pod = changed([['spec.resources', { requests: both, limits: both }]]);
    expect(computePodQOS(pod.spec!, true)).toBe('Guaranteed');
    expect(computePodQOS(pod.spec!, false)).toBe('Burstable');
  });
});
