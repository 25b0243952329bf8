import { describe, expect, it } from 'vitest';
import { featureGateLookup } from '@kubets/api/feature-gates';
import { defaultConfiguration, type SchedulerConfiguration } from './configuration.ts';
import { ConfigError } from './decode.ts';
import { loadSchedulerConfiguration } from './load.ts';

const features = featureGateLookup();
const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const load = (text: string): SchedulerConfiguration => loadSchedulerConfiguration(head + text, features);

describe('loadSchedulerConfiguration', () => {
  it('defaults everything', () => {
    expect(JSON.stringify(load(''))).toBe(JSON.stringify(defaultConfiguration(features)));
  });

  it('reads settings', () => {
    const configuration = load(`
percentageOfNodesToScore: 40
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
parallelism: 4
leaderElection: { leaderElect: false, leaseDuration: 30s, resourceName: mine }
clientConnection: { kubeconfig: /etc/k.conf, qps: 100 }
`);
    expect(configuration).toMatchObject({
      percentageOfNodesToScore: 40,
      podInitialBackoffMs: 2000,
      podMaxBackoffMs: 20_000,
      parallelism: 4,
      leaderElection: { leaderElect: false, leaseDurationMs: 30_000, renewDeadlineMs: 10_000, resourceName: 'mine' },
      clientConnection: { kubeconfig: '/etc/k.conf', qps: 100, burst: 100 },
    });
  });

  it('merges plugins into the default ones', () => {
    const [profile] = load(`
profiles:
- schedulerName: mine
  plugins:
    multiPoint:
      enabled: [{ name: Custom, weight: 5 }, { name: NodeAffinity, weight: 7 }]
      disabled: [{ name: ImageLocality }]
    score:
      disabled: [{ name: '*' }]
      enabled: [{ name: NodeResourcesFit, weight: 3 }]
`).profiles;
    const names = profile!.plugins.multiPoint.enabled.map(({ name }) => name);
    expect(names).not.toContain('ImageLocality');
    expect(names.at(-1)).toBe('Custom');
    expect(profile!.plugins.multiPoint.enabled.find(({ name }) => name === 'NodeAffinity')?.weight).toBe(7);
    // It keeps its place among the others.
    expect(names.indexOf('NodeAffinity')).toBeLessThan(names.indexOf('NodePorts'));
    expect(profile!.plugins.score).toEqual({ enabled: [{ name: 'NodeResourcesFit', weight: 3 }], disabled: ['*'] });
  });

  it('defaults the arguments of plugins', () => {
    const [profile] = load(`
profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: { type: MostAllocated, resources: [{ name: cpu }, { name: example.com/gpu, weight: 3 }] }
  - name: Custom
    args: { anything: [1] }
`).profiles;
    expect(profile!.schedulerName).toBe('default-scheduler');
    expect(profile!.pluginConfig).toMatchObject({
      InterPodAffinity: { hardPodAffinityWeight: 1 },
      DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
      NodeResourcesFit: {
        scoringStrategy: {
          type: 'MostAllocated',
          resources: [
            { name: 'cpu', weight: 1 },
            { name: 'example.com/gpu', weight: 3 },
          ],
        },
      },
      Custom: { anything: [1] },
    });
  });

  it('reads extenders', () => {
    const { extenders } = load(`
extenders:
- urlPrefix: http://127.0.0.1:1/x
  filterVerb: filter
  prioritizeVerb: score
  weight: 2
  httpTimeout: 3s
  managedResources: [{ name: example.com/gpu, ignoredByScheduler: true }]
- urlPrefix: http://127.0.0.1:2
  bindVerb: bind
`);
    expect(extenders.map(({ httpTimeoutMs }) => httpTimeoutMs)).toEqual([3000, 5000]);
  });

  it.each([
    [
      'profiles: 3',
      'json: cannot unmarshal number into Go struct field KubeSchedulerConfiguration.profiles of type []',
    ],
    [
      'parallelism: many',
      'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32',
    ],
    ['colour: red', 'strict decoding error: unknown field "colour"'],
    ['profiles: [{ plugins: { filters: {} } }]', 'strict decoding error: unknown field "profiles[0].plugins.filters"'],
    ['parallelism: 0', 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
    ['percentageOfNodesToScore: 101', 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    ['podInitialBackoffSeconds: -1', 'podInitialBackoffSeconds: Invalid value: -1: must be greater than 0'],
    [
      'podMaxBackoffSeconds: 0',
      'podMaxBackoffSeconds: Invalid value: 0: must be greater than or equal to PodInitialBackoffSeconds',
    ],
    [
      'profiles: [{}, {}]',
      '[profiles[0].schedulerName: Required value, profiles[1].schedulerName: Required value, profiles[1].schedulerName: Duplicate value: ""]',
    ],
    [
      'profiles: [{ schedulerName: a }, { schedulerName: b, plugins: { queueSort: { enabled: [{ name: Mine }] } } }]',
      'profiles[1].plugins.queueSort: Invalid value: ["Mine"]: has to match for all profiles',
    ],
    [
      'extenders: [{ urlPrefix: a, prioritizeVerb: p }]',
      'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
    ],
    [
      'leaderElection: { resourceLock: endpoints }',
      'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
    ],
    [
      'profiles: [{ pluginConfig: [{ name: InterPodAffinity, args: { weight: 1 } }] }]',
      'decoding args for plugin "InterPodAffinity": strict decoding error: unknown field "weight"',
    ],
    [
      'profiles: [{ pluginConfig: [{ name: PodTopologySpread, args: { defaultConstraints: [{ maxSkew: 1, topologyKey: k, whenUnsatisfiable: ScheduleAnyway }] } }] }]',
      'profiles[0].pluginConfig[6].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
  ])('refuses %s', (text, message) => {
    expect(() => load(text)).toThrow(new ConfigError(message));
  });

  it('refuses other kinds and versions', () => {
    const text = 'apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n';
    expect(() => loadSchedulerConfiguration(text, features)).toThrow(
      'no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3"',
    );
    expect(() => loadSchedulerConfiguration('{}', features)).toThrow("Object 'Kind' is missing");
  });
});
