import { describe, expect, it } from 'vitest';
import { dropDisabledPodFields } from './pod-disabled-fields.ts';
import { podWarnings } from './pod-warnings.ts';
import { gatesWith, put, validPod, validTemplate } from './testing/pods.ts';

const c0 = 'spec.containers.0';
const at = 'spec.containers[0]';

describe('warnings about pods', () => {
  it('are none for a good pod', () => {
    expect(podWarnings(validPod())).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    [
      'spec.nodeSelector',
      { 'beta.kubernetes.io/os': 'linux' },
      ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead'],
    ],
    [
      'spec.topologySpreadConstraints',
      [{ topologyKey: 'z' }],
      ['spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod'],
    ],
    [
      'spec.affinity',
      { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z' }] } },
      [
        'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
      ],
    ],
    [
      'metadata.annotations',
      { 'scheduler.alpha.kubernetes.io/critical-pod': '' },
      [
        'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
      ],
    ],
    [
      'spec.volumes.0',
      { name: 'data', cephfs: {} },
      ['spec.volumes[0].cephfs: deprecated in v1.28, non-functional in v1.31+'],
    ],
    ['spec.hostAliases', [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }], ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"']],
    [
      'spec.imagePullSecrets',
      [{ name: 'a' }, { name: 'a' }, { name: '' }],
      ['spec.imagePullSecrets[1].name: duplicate name "a"', 'spec.imagePullSecrets[2].name: invalid empty name ""'],
    ],
    [
      `${c0}.resources.limits.memory`,
      '1500m',
      [`${at}.resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer`],
    ],
    [
      `${c0}.env`,
      [
        { name: 'A', value: 'x' },
        { name: 'A', value: 'y' },
        { name: 'A', value: '$(A)z' },
      ],
      [`${at}.env[1]: hides previous definition of "A", which may be dropped when using apply`],
    ],
    [
      `${c0}.ports`,
      [
        { containerPort: 80, protocol: 'TCP' },
        { containerPort: 80, protocol: 'TCP' },
      ],
      [`${at}.ports[1]: duplicate port definition with ${at}.ports[0]`],
    ],
    [
      `${c0}.ports`,
      [{ containerPort: 80, protocol: 'TCP', hostIP: '1.1.1.1' }],
      [`${at}.ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.1.1.1}`],
    ],
    [
      'spec.terminationGracePeriodSeconds',
      -1,
      ['spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1'],
    ],
  ])('%s = %j', (path, value, expected) => {
    expect(podWarnings(put(validPod(), path, value))).toEqual(expected);
  });

  it('name the template', () => {
    const template = put(validTemplate(), 'metadata.annotations', {
      'container.apparmor.security.beta.kubernetes.io/app': 'unconfined',
    });
    expect(podWarnings(template, 'spec.template')).toEqual([
      'spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/app]: deprecated since v1.30; use the "appArmorProfile" field instead',
    ]);
  });
});

describe('fields of features that are off', () => {
  it('are dropped, unless they are in use', () => {
    const pod = put(validPod(), `${c0}.lifecycle`, { stopSignal: 'SIGINT' });
    const old = structuredClone(pod);
    dropDisabledPodFields(pod.spec, old.spec, gatesWith());
    expect(pod.spec?.containers[0]?.lifecycle).toEqual({ stopSignal: 'SIGINT' });
    dropDisabledPodFields(pod.spec, undefined, gatesWith());
    expect(pod.spec?.containers[0]?.lifecycle).toBeUndefined();
    const group = put(validPod(), 'spec.schedulingGroup', { podGroupName: 'g' });
    dropDisabledPodFields(group.spec, undefined, gatesWith('GenericWorkload'));
    expect(group.spec?.schedulingGroup).toEqual({ podGroupName: 'g' });
  });
});
