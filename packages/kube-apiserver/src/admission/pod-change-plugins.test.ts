import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../authorization/testing/fake-cache.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { jobValidation } from './job-validation/job-validation.ts';
import { nodeDeclaredFeatureValidator } from './node-declared-feature-validator/node-declared-feature-validator.ts';
import { podResizeValidator } from './pod-resize-validator/pod-resize-validator.ts';
import { attributes, verdict } from './testing/attributes.ts';

const caches = new FakeCacheDirectory();
const allocatable = { cpu: '2', memory: '1Gi' };
const linux = { 'kubernetes.io/os': 'linux' };
caches.put(
  '',
  'nodes',
  { metadata: { name: 'plain', labels: linux }, status: { allocatable } },
  {
    metadata: { name: 'able', labels: linux },
    status: { allocatable, declaredFeatures: ['GuaranteedQoSPodCPUResize', 'InPlacePodVerticalScalingInitContainers'] },
  },
  { metadata: { name: 'win', labels: { 'kubernetes.io/os': 'windows' } }, status: { allocatable } },
  { metadata: { name: 'bare' } },
);

interface Shape {
  readonly requests?: Record<string, string>;
  readonly init?: Record<string, string>;
  readonly whole?: Record<string, string>;
  readonly overhead?: Record<string, string>;
}

const podOf = (nodeName: string, generation: number, { requests, init, whole, overhead }: Shape) => ({
  metadata: { name: 'p', namespace: 'ns', generation },
  spec: {
    ...(nodeName !== '' && { nodeName }),
    containers: [{ name: 'c', resources: { requests } }],
    initContainers: [{ name: 'i', resources: { requests: init } }],
    ...(whole && { resources: { requests: whole } }),
    ...(overhead && { overhead }),
  },
  status: { qosClass: 'Guaranteed' },
});

/** `before` becomes `after` on the node. */
function change(nodeName: string, before: Shape, after: Shape, subresource = 'resize') {
  const same = JSON.stringify(before) === JSON.stringify(after);
  const old = podOf(nodeName, 1, before);
  return attributes('pods', podOf(nodeName, same ? 1 : 2, after), { old, subresource });
}

const small = { requests: { cpu: '1', memory: '512Mi' } };
const forbidden = (why: string): string => `pods "p" is forbidden: ${why}`;

describe('PodResizeValidator', () => {
  const plugin = podResizeValidator({ caches });
  it.each<[string, ReturnType<typeof attributes>, string]>([
    ['what fits', change('plain', small, { requests: { cpu: '2', memory: '1Gi' } }), ''],
    [
      'too much CPU',
      change('plain', small, { requests: { cpu: '2001m' } }),
      forbidden("Node didn't have enough allocatable resources: cpu, requested: 2001, allocatable: 2000"),
    ],
    [
      'too much of both',
      change('plain', small, { requests: { cpu: '3', memory: '2Gi' } }),
      forbidden(
        "Node didn't have enough allocatable resources: cpu, requested: 3000, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824",
      ),
    ],
    [
      'too much with the overhead',
      change('plain', small, { requests: { cpu: '2' }, overhead: { cpu: '1m' } }),
      forbidden("Node didn't have enough allocatable resources: cpu, requested: 2001, allocatable: 2000"),
    ],
    [
      'a node that gives nothing',
      change('bare', {}, { requests: { cpu: '1' } }),
      forbidden("Node didn't have enough allocatable resources: cpu, requested: 1000, allocatable: 0"),
    ],
    [
      'another system',
      change('win', small, { requests: { cpu: '2' } }),
      forbidden('pod resize is only supported on linux nodes, node "win" is "windows"'),
    ],
    [
      'a node without the label',
      change('bare', small, {}),
      forbidden('pod resize is only supported on linux nodes, node "bare" is ""'),
    ],
    ['a node that is gone', change('gone', small, {}), forbidden('node "gone" not found')],
    ['nothing changes', change('gone', small, small), ''],
    ['no node yet', change('', small, { requests: { cpu: '100' } }), ''],
    ['no resize', change('gone', small, { requests: { cpu: '100' } }, ''), ''],
  ])('%s', async (_name, given, expected) => {
    expect(await verdict(plugin, given)).toBe(expected);
  });
});

describe('NodeDeclaredFeatureValidator', () => {
  const plugin = nodeDeclaredFeatureValidator({ caches });
  const more = { requests: { cpu: '2', memory: '512Mi' } };
  const missing = (features: string): string =>
    forbidden(`pod update requires features ${features} which are not available on node "plain"`);
  it.each<[string, ReturnType<typeof attributes>, string]>([
    ['more CPU where it cannot be', change('plain', small, more), missing('GuaranteedQoSPodCPUResize')],
    ['also by a plain update', change('plain', small, more, ''), missing('GuaranteedQoSPodCPUResize')],
    ['more CPU where it can be', change('able', small, more), ''],
    [
      'all at once',
      change('plain', small, { ...more, init: { cpu: '1' }, whole: { cpu: '4' } }),
      missing(
        'GuaranteedQoSPodCPUResize, InPlacePodLevelResourcesVerticalScaling, InPlacePodVerticalScalingInitContainers',
      ),
    ],
    ['more memory', change('plain', small, { requests: { cpu: '1', memory: '1Gi' } }), ''],
    ['a node that is gone', change('gone', small, more), forbidden('node "gone" not found')],
    ['nothing needed of a node that is gone', change('gone', small, { requests: { cpu: '1' } }), ''],
    ['no node yet', change('', small, more), ''],
    ['a status', change('plain', small, more, 'status'), ''],
  ])('%s', async (_name, given, expected) => {
    expect(await verdict(plugin, given)).toBe(expected);
  });
});

describe('JobValidation', () => {
  const owner = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }];
  const gang = { schedulingPolicy: { gang: { minCount: 3 } } };
  const withGroups = new FakeCacheDirectory();
  withGroups.put(
    'scheduling.k8s.io',
    'podgroups',
    { metadata: { name: 'owned', namespace: 'ns', ownerReferences: owner }, spec: gang },
    { metadata: { name: 'named', namespace: 'ns' }, spec: gang },
    { metadata: { name: 'basic', namespace: 'ns' }, spec: { schedulingPolicy: { basic: {} } } },
  );
  const jobOf = (parallelism: number, uid: string, podGroupName?: string) => ({
    metadata: { name: 'j', namespace: 'ns', uid },
    spec: {
      parallelism,
      template: { spec: { containers: [], ...(podGroupName && { schedulingGroup: { podGroupName } }) } },
    },
  });
  const resized = (uid: string, podGroupName?: string, parallelism = 2) =>
    attributes('jobs', jobOf(parallelism, uid, podGroupName), { group: 'batch', old: jobOf(1, uid, podGroupName) });
  const refused = (group: string): string =>
    `jobs.batch "j" is forbidden: cannot change parallelism for a Job referencing gang-scheduled PodGroup "${group}"`;
  it.each<[string, ReturnType<typeof attributes>, string]>([
    ['a gang it names', resized('other', 'named'), refused('named')],
    ['a gang it owns', resized('u'), refused('owned')],
    ['a group that is no gang', resized('u', 'basic'), ''],
    ['a group that is gone', resized('u', 'gone'), ''],
    ['no group', resized('other'), ''],
    ['the same parallelism', resized('u', undefined, 1), ''],
  ])('%s', async (_name, given, expected) => {
    expect(await verdict(jobValidation({ caches: withGroups }), given)).toBe(expected);
  });

  it('knows no gangs where PodGroups are not served', async () => {
    const without: CacheDirectory = {
      of() {
        throw new Error('no cache for podgroups.scheduling.k8s.io');
      },
    };
    expect(await verdict(jobValidation({ caches: without }), resized('u', 'named'))).toBe('');
  });
});
