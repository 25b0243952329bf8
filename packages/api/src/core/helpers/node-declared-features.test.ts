import { describe, expect, it } from 'vitest';
import type { Container, Node, Pod, PodSpec } from '../../generated/types/core-v1.ts';
import { declaresAll, featuresForScheduling, featuresForUpdate, undeclaredFeatures } from './node-declared-features.ts';

const restartAll = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }];
const container = (over: Partial<Container> = {}): Container => ({ name: 'c', ...over });
const cpu = (amount: string): Partial<Container> => ({ resources: { requests: { cpu: amount } } });

describe('featuresForScheduling', () => {
  it.each<[string, PodSpec, string[]]>([
    ['a plain pod', { containers: [container()] }, []],
    [
      'a rule that restarts one container',
      { containers: [container({ restartPolicyRules: [{ action: 'Restart' }] })] },
      [],
    ],
    [
      'a rule that restarts all',
      { containers: [container({ restartPolicyRules: restartAll })] },
      ['RestartAllContainersOnContainerExits'],
    ],
    [
      'a rule of an init container',
      { containers: [container()], initContainers: [container({ restartPolicyRules: restartAll })] },
      ['RestartAllContainersOnContainerExits'],
    ],
    ['the network of the host', { containers: [container()], hostNetwork: true }, []],
    ['users of its own', { containers: [container()], hostUsers: false }, []],
    [
      'everything',
      { containers: [container({ restartPolicyRules: restartAll })], hostNetwork: true, hostUsers: false },
      ['RestartAllContainersOnContainerExits', 'UserNamespacesHostNetworkSupport'],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(featuresForScheduling(spec)).toEqual(expected);
  });
});

const pod = (spec: Partial<PodSpec>, qosClass = 'Guaranteed'): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p' },
  spec: { containers: [container()], ...spec },
  status: { qosClass } as NonNullable<Pod['status']>,
});

describe('featuresForUpdate', () => {
  const init = (over: Partial<Container>): Partial<PodSpec> => ({ initContainers: [container(over)] });
  it.each<[string, Pod, Pod, string[]]>([
    ['nothing changes', pod({}), pod({}), []],
    ['another image', pod({}), pod({ containers: [container({ image: 'other' })] }), []],
    [
      'more CPU',
      pod({ containers: [container(cpu('1'))] }),
      pod({ containers: [container(cpu('2'))] }),
      ['GuaranteedQoSPodCPUResize'],
    ],
    [
      'the same CPU in other words',
      pod({ containers: [container(cpu('1'))] }),
      pod({ containers: [container(cpu('1000m'))] }),
      [],
    ],
    [
      'more CPU of a burstable pod',
      pod({ containers: [container(cpu('1'))] }, 'Burstable'),
      pod({ containers: [container(cpu('2'))] }, 'Burstable'),
      [],
    ],
    [
      'the pod as a whole gets more',
      pod({ resources: { requests: { cpu: '1' } } }),
      pod({ resources: { requests: { cpu: '2' } } }),
      ['InPlacePodLevelResourcesVerticalScaling'],
    ],
    [
      'the pod as a whole gets something',
      pod({}),
      pod({ resources: { limits: { memory: '1Gi' } } }),
      ['InPlacePodLevelResourcesVerticalScaling'],
    ],
    [
      'an init container gets more',
      pod(init(cpu('1'))),
      pod(init(cpu('2'))),
      ['InPlacePodVerticalScalingInitContainers'],
    ],
    [
      'a sidecar gets more',
      pod(init({ ...cpu('1'), restartPolicy: 'Always' })),
      pod(init({ ...cpu('2'), restartPolicy: 'Always' })),
      [],
    ],
  ])('%s', (_name, old, now, expected) => {
    expect(featuresForUpdate(old, now)).toEqual(expected);
  });
});

it('compares needs with what a node declares', () => {
  const node = { status: { declaredFeatures: ['GuaranteedQoSPodCPUResize', 'Unheard'] } } as Node;
  const needed = ['GuaranteedQoSPodCPUResize', 'UserNamespacesHostNetworkSupport'] as const;
  expect(undeclaredFeatures(needed, node)).toEqual(['UserNamespacesHostNetworkSupport']);
  expect(undeclaredFeatures(needed, undefined)).toEqual(needed);
  expect(declaresAll(needed, node)).toBe(false);
  expect(declaresAll(['GuaranteedQoSPodCPUResize'], node)).toBe(true);
  expect(declaresAll([], undefined)).toBe(true);
});
