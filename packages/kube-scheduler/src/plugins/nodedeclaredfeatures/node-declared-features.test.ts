import { describe, expect, it } from 'vitest';
import { silentLog } from '@kubets/apimachinery/log';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { Node, Pod, PodSpec } from '@kubets/api/types/core-v1';
import { defaultPlugins } from '../../config/default-plugins.ts';
import { nodeChanges } from '../../event-handlers.ts';
import type { FastHandle } from '../../fast/kernel.ts';
import { CycleState } from '../../framework/cycle-state.ts';
import { PodInfo } from '../../framework/pod-info.ts';
import { action, type ClusterEvent } from '../../framework/types.ts';
import { QueuedPod } from '../../queue/queued-pod.ts';
import { QueueingHints } from '../../queue/queueing-hints.ts';
import { OfflineScheduler } from '../../testing/offline-scheduler.ts';
import { SchedulerFixture } from '../../testing/scheduler-fixture.ts';
import { NodeDeclaredFeatures } from './node-declared-features.ts';

const restart = 'RestartAllContainersOnContainerExits';
const users = 'UserNamespacesHostNetworkSupport';
const reason = "node(s) didn't match Pod's required features";

const nodeOf = (name: string, ...declaredFeatures: string[]): Node => ({
  kind: 'Node',
  apiVersion: 'v1',
  metadata: { name },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '10' }, declaredFeatures },
});
const podOf = (spec: Partial<PodSpec> = {}): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p', namespace: 'default', uid: 'p' },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const needsUsers = podOf({ hostNetwork: true, hostUsers: false });
const needsRestart = podOf({
  containers: [{ name: 'c', restartPolicyRules: [{ action: 'RestartAllContainers' }] }],
});

function pluginWith(enabled: boolean): NodeDeclaredFeatures {
  const handle = { featureEnabled: () => enabled, cluster: { table: { infos: [] } } } as unknown as FastHandle;
  return new NodeDeclaredFeatures({}, handle);
}

describe('NodeDeclaredFeatures', () => {
  it('is the last of the default profile while its gate is on', () => {
    const names = (gates: Record<string, boolean>): (string | undefined)[] =>
      defaultPlugins(featureGateLookup(gates)).map(({ name }) => name);
    expect(names({}).at(-1)).toBe('NodeDeclaredFeatures');
    expect(names({ NodeDeclaredFeatures: false })).not.toContain('NodeDeclaredFeatures');
  });

  it.each<[string, Pod, string[]]>([
    ['a pod that needs nothing', podOf(), ['none', 'restart', 'both']],
    ['one feature', needsRestart, ['restart', 'both']],
    ['the other', needsUsers, ['both']],
    ['two', podOf({ ...needsRestart.spec!, hostNetwork: true, hostUsers: false }), ['both']],
  ])('%s', (_name, pod, fits) => {
    const scheduler = new OfflineScheduler();
    const nodes = [nodeOf('none'), nodeOf('restart', restart), nodeOf('both', 'Other', restart, users)];
    for (const node of nodes) scheduler.setNode(node);
    const { feasible, reasons } = scheduler.ask(pod);
    expect(feasible).toEqual(fits);
    for (const { metadata } of nodes) {
      const name = metadata.name ?? '';
      const expected = fits.includes(name) ? undefined : ['UnschedulableAndUnresolvable', reason];
      // By Filter as well as by the kernel.
      for (const status of [reasons.get(name), scheduler.askNode(pod, name)]) {
        expect(status && [status.code, status.message]).toEqual(expected);
      }
    }
  });

  it('notices what a node declares later, or no more', () => {
    const scheduler = new OfflineScheduler();
    scheduler.setNode(nodeOf('n'));
    expect(scheduler.ask(needsUsers).feasible).toEqual([]);
    scheduler.setNode(nodeOf('n', users));
    expect(scheduler.ask(needsUsers).feasible).toEqual(['n']);
    scheduler.setNode(nodeOf('n', restart));
    expect(scheduler.ask(needsUsers).feasible).toEqual([]);
  });

  it('leaves pods that need nothing on the fast path', () => {
    const plugin = pluginWith(true);
    const info = new PodInfo(podOf());
    expect(plugin.preFilter(new CycleState(), info)?.code).toBe('Skip');
    expect(plugin.clusterKernel(info)).toBeUndefined();
    expect(plugin.preFilter(new CycleState(), new PodInfo(needsUsers))).toBeUndefined();
    expect(plugin.clusterKernel(new PodInfo(needsUsers))).toBeDefined();
  });

  it('does nothing with its gate off', () => {
    const plugin = pluginWith(false);
    expect(plugin.preFilter(new CycleState(), new PodInfo(needsUsers))?.code).toBe('Skip');
    expect(plugin.clusterKernel(new PodInfo(needsUsers))).toBeUndefined();
    expect(plugin.eventsToRegister()).toEqual([]);
  });
});

describe('its queueing hints', () => {
  const changed = (old: Node | undefined, now: Node): [ClusterEvent, Node | undefined, Node] => [
    { resource: 'Node', actionType: old === undefined ? action.add : nodeChanges(old, now) },
    old,
    now,
  ];
  const own = (old: Pod, now: Pod): [ClusterEvent, Pod, Pod] => [
    { resource: 'UnschedulablePod', actionType: action.updateOther },
    old,
    now,
  ];
  const labelled = { ...nodeOf('n'), metadata: { name: 'n', labels: { a: 'b' } } };
  const other = (pod: Pod): Pod => ({ ...pod, metadata: { ...pod.metadata, name: 'q', uid: 'q' } });
  it.each<[string, [ClusterEvent, Node | Pod | undefined, Node | Pod], string]>([
    ['a new node', changed(undefined, nodeOf('n')), 'afterBackoff'],
    ['a node that declares more', changed(nodeOf('n'), nodeOf('n', users)), 'afterBackoff'],
    ['a node with other labels', changed(nodeOf('n'), labelled), 'skip'],
    ['the pod needs something else', own(needsUsers, podOf()), 'afterBackoff'],
    ['the pod needs the same', own(needsUsers, podOf({ ...needsUsers.spec!, priority: 1 })), 'skip'],
    ['another pod changes', own(other(needsUsers), other(podOf())), 'skip'],
  ])('%s', (_name, [event, old, now], expected) => {
    const hints = new QueueingHints([pluginWith(true)], silentLog);
    const queued = new QueuedPod(new PodInfo(needsUsers), 0);
    queued.unschedulablePlugins = new Set(['NodeDeclaredFeatures']);
    expect(hints.strategy(queued, { event, old, now })).toBe(expected);
  });
});

it('a pod waits for a node that declares what it needs', async () => {
  await using fixture = await SchedulerFixture.start();
  await fixture.node('n1');
  await fixture.pod('a', {
    restartPolicy: 'Never',
    containers: [
      {
        name: 'c',
        image: 'i',
        restartPolicy: 'Never',
        restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [3] } }],
      },
    ],
  });
  await fixture.until(async () => (await fixture.message('a')) !== '');
  expect(await fixture.message('a')).toContain(`0/1 nodes are available: 1 ${reason}.`);
  const body = { status: { declaredFeatures: [restart] } };
  await fixture.client.nodes().patch('n1', { type: 'application/merge-patch+json', body, subresource: 'status' });
  await fixture.until(async () => (await fixture.nodeOf('a')) === 'n1');
  expect(fixture.metrics.text()).toContain(
    'scheduler_queueing_hint_execution_duration_seconds_count{event="NodeUpdate",hint="Queue",plugin="NodeDeclaredFeatures"} 1\n',
  );
  expect(fixture.errors).toEqual([]);
});
