import { describe, expect, it } from 'vitest';
import type { DaemonSetSpec } from '@kubets/api/types/apps-v1';
import type { Node, Pod, Taint, Toleration } from '@kubets/api/types/core-v1';
import { boundTo, daemonTolerations, targetNode, type Daemon } from './daemon-pod.ts';
import { NodeFit, type Fit } from './node-fit.ts';
import { plan, podsByNode, type DaemonPlan, type Observed } from './plan.ts';
import { planUpdate } from './rolling-update.ts';
import { countDaemon, nextAvailable, planStatus } from './status.ts';

const now = Date.UTC(2026, 0, 1, 0, 1, 0);

function daemonOf(spec: Partial<DaemonSetSpec> = {}, status: object = {}): Daemon {
  return {
    metadata: { name: 'agent', namespace: 'default', uid: 'd', generation: 2 },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...spec,
    },
    status: {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
      ...status,
    },
  };
}

const strategy = (maxUnavailable: number | string, maxSurge: number | string): Partial<DaemonSetSpec> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
});

let made = 0;

/** `a:ready@new`: node, state, revision; pods are named after node, revision and order. */
function podOf(word: string): Pod {
  const [node = '', rest = ''] = word.split(':');
  const [state = '', revision = 'old'] = rest.split('@');
  const phases: Record<string, string> = {
    failed: 'Failed',
    succeeded: 'Succeeded',
    pending: 'Pending',
    waiting: 'Pending',
  };
  const ready = state === 'ready' || state === 'late' || state === 'terminating';
  const since = state === 'late' ? '2026-01-01T00:00:55Z' : '2026-01-01T00:00:00Z';
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1) + 1000 * made++).toISOString();
  return {
    metadata: {
      name: `${node}-${revision}`,
      namespace: 'default',
      creationTimestamp,
      labels: { 'controller-revision-hash': revision },
      ...(state === 'terminating' && { deletionTimestamp: '2026-01-01T00:00:50Z' }),
    },
    spec: { containers: [], ...(state === 'waiting' ? { affinity: boundTo(undefined, node) } : { nodeName: node }) },
    status: {
      phase: (phases[state] ?? 'Running') as 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since }],
    },
  };
}

/** `nodes` as `a b=keep c=none`. */
function observe(daemon: Daemon, nodes: string, pods: string): Observed {
  const words = nodes.split(' ').map((word) => word.split('='));
  made = 0;
  return {
    daemon,
    nodes: words.map(([name]) => ({ metadata: { name: name ?? '' } })),
    fits: words.map(([, fit = 'run']) => fit as Fit),
    podsByNode: podsByNode(pods.split(' ').filter(Boolean).map(podOf)),
    hash: 'new',
    now,
  };
}

const textOf = ({ create, delete: gone }: DaemonPlan): string =>
  [...create.map((node) => `+${node}`), ...gone.map(({ pod }) => `-${pod.metadata.name}`)].join(' ');

describe('plan', () => {
  it.each<[string, string, string, string]>([
    ['a pod for each node', 'a b', '', '+a +b'],
    ['not where one is', 'a b', 'a:running b:waiting', ''],
    ['not while one is going', 'a', 'a:terminating', ''],
    ['not where none should run', 'a=keep b=none', '', ''],
    ['those stay that may', 'a=keep', 'a:ready', ''],
    ['those go that may not', 'a=none', 'a:ready', '-a-old'],
    ['the older one stays', 'a', 'a:ready@one a:ready@two', '-a-two'],
    ['the one that has a node stays', 'a', 'a:waiting@one a:ready@two', '-a-one'],
    ['failed ones go', 'a b', 'a:failed b:ready', '-a-old'],
    ['succeeded ones too', 'a', 'a:succeeded', '-a-old'],
    ['those that wait for a node that is gone', 'a', 'a:ready b:waiting', '-b-old'],
    ['not those that are on it', 'a', 'a:ready b:ready', ''],
  ])('%s', (_, nodes, pods, expected) => {
    expect(textOf(plan(observe(daemonOf(), nodes, pods)))).toBe(expected);
  });

  it.each<[string, string, string, string]>([
    ['two stay while the new one is not ready', 'a', 'a:ready a:running@new', ''],
    ['the old one goes when the new one is available', 'a', 'a:ready a:ready@new', '-a-old'],
    ['not as soon as it is ready', 'a', 'a:ready a:late@new', ''],
    ['the old one goes when it is not ready', 'a', 'a:running a:running@new', '-a-old'],
    ['more than two are too many', 'a', 'a:ready@x a:ready@y a:running@new', '-a-y'],
    ['a new one beside one that is going', 'a', 'a:terminating', '+a'],
    ['not where none should be made', 'a=keep', 'a:terminating', ''],
  ])('with surge: %s', (_, nodes, pods, expected) => {
    const daemon = daemonOf({ ...strategy(0, 1), minReadySeconds: 10 });
    expect(textOf(plan(observe(daemon, nodes, pods)))).toBe(expected);
  });

  it('leaves failed pods for a while', () => {
    const observed = observe(daemonOf(), 'a b', 'a:failed b:failed');
    const { delete: gone } = plan(observed, (node) => node === 'a');
    expect(gone).toEqual([
      {
        pod: observed.podsByNode.get('b')?.[0],
        failedOn: 'b',
        event: {
          type: 'Warning',
          reason: 'FailedDaemonPod',
          message: 'Found failed daemon pod default/b-old on node b, will try to kill it',
        },
      },
    ]);
  });
});

describe('planUpdate', () => {
  const four = 'a:ready b:ready c:ready d:ready';
  it.each<[string, Partial<DaemonSetSpec>, string, string]>([
    ['one at a time', {}, four, '-a-old'],
    ['two at a time', strategy(2, 0), four, '-a-old -b-old'],
    ['a part of all, rounded up', strategy('30%', 0), four, '-a-old -b-old'],
    ['not while a new one is not ready', {}, 'a:running@new b:ready c:ready d:ready', ''],
    ['not while one is missing', {}, 'b:ready c:ready d:ready', ''],
    ['not while one is going', {}, 'a:terminating b:ready c:ready d:ready', ''],
    ['old ones that do not work go at once', {}, 'a:running b:running c:ready d:ready', '-a-old -b-old'],
    ['nothing left to do', {}, 'a:ready@new b:ready@new c:ready@new d:ready@new', ''],
    ['with surge, a new one beside an old one', strategy(0, 1), four, '+a'],
    ['several', strategy(0, '50%'), four, '+a +b'],
    ['not while one is on its way', strategy(0, 1), 'a:ready a:running@new b:ready c:ready d:ready', ''],
    ['old ones go when new ones are there', strategy(0, 1), 'a:ready a:ready@new b:ready c:ready d:ready', '+b -a-old'],
    ['beside those that do not work at once', strategy(0, 1), 'a:running b:running c:ready d:ready', '+a +b +c'],
  ])('%s', (_, spec, pods, expected) => {
    expect(textOf(planUpdate(observe(daemonOf(spec), 'a b c d', pods)))).toBe(expected);
  });

  it('clears nodes that are wanted no more when there are enough pods elsewhere', () => {
    const daemon = daemonOf(strategy(0, 1));
    expect(textOf(planUpdate(observe(daemon, 'a=keep b', 'a:ready b:running@new')))).toBe('');
    expect(textOf(planUpdate(observe(daemon, 'a=keep b', 'a:ready b:ready@new')))).toBe('-a-old');
    expect(textOf(planUpdate(observe(daemon, 'a=keep b', 'a:running b:running@new')))).toBe('-a-old');
  });
});

describe('countDaemon and planStatus', () => {
  it('counts nodes, and writes what has changed', () => {
    const daemon = daemonOf({ minReadySeconds: 10 });
    const observed = observe(daemon, 'a b c d=keep e=none', 'a:ready@new b:late c:running d:ready');
    const counts = countDaemon(observed);
    expect(counts).toEqual({
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      desiredNumberScheduled: 3,
      numberReady: 2,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberUnavailable: 2,
    });
    expect(nextAvailable(observed)).toBe(5000);
    const status = planStatus(daemon, { counts, processed: true });
    expect(status).toEqual({ ...counts, observedGeneration: 2 });
    expect(planStatus({ ...daemon, ...(status && { status }) }, { counts, processed: true })).toBeUndefined();
    expect(planStatus(daemon, { counts, processed: false })?.observedGeneration).toBeUndefined();
    expect(planStatus(daemon, { counts, processed: true, collisionCount: 1 })?.collisionCount).toBe(1);
  });
});

describe('NodeFit', () => {
  const fit = (spec: object, node: Node): Fit =>
    new NodeFit({ spec: { containers: [], ...spec } }).of({ ...node, metadata: { name: 'a', ...node.metadata } });
  const tainted = (key: string, effect: Taint['effect']): Node => ({
    metadata: {},
    spec: { taints: [{ key, effect }] },
  });

  it.each<[string, object, Node, Fit]>([
    ['any node', {}, { metadata: {} }, 'run'],
    ['its own node', { nodeName: 'a' }, { metadata: {} }, 'run'],
    ['another node', { nodeName: 'b' }, { metadata: {} }, 'none'],
    ['no such label', { nodeSelector: { x: 'y' } }, { metadata: {} }, 'none'],
    ['such a label', { nodeSelector: { x: 'y' } }, { metadata: { labels: { x: 'y' } } }, 'run'],
    ['another name', { affinity: boundTo(undefined, 'b') }, { metadata: {} }, 'none'],
    ['takes no new ones', {}, tainted('x', 'NoSchedule'), 'keep'],
    ['evicts', {}, tainted('x', 'NoExecute'), 'none'],
    ['would rather not', {}, tainted('x', 'PreferNoSchedule'), 'run'],
    ['tolerated', { tolerations: [{ key: 'x', operator: 'Exists' }] }, tainted('x', 'NoExecute'), 'run'],
    ['cordoned', {}, tainted('node.kubernetes.io/unschedulable', 'NoSchedule'), 'run'],
    ['not ready', {}, tainted('node.kubernetes.io/not-ready', 'NoExecute'), 'run'],
    ['without network', {}, tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'), 'keep'],
    [
      'without network, on it',
      { hostNetwork: true },
      tainted('node.kubernetes.io/network-unavailable', 'NoSchedule'),
      'run',
    ],
  ])('%s', (_, spec, node, expected) => {
    expect(fit(spec, node)).toBe(expected);
  });
});

describe('the pods of a DaemonSet', () => {
  it('tolerate for ever what all daemons tolerate', () => {
    const limited: Toleration = {
      key: 'node.kubernetes.io/not-ready',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 5,
    };
    const tolerations = daemonTolerations({ containers: [], hostNetwork: true, tolerations: [{ key: 'x' }, limited] });
    expect(tolerations.slice(0, 2)).toEqual([
      { key: 'x' },
      { key: limited.key, operator: 'Exists', effect: 'NoExecute' },
    ]);
    expect(tolerations).toHaveLength(8);
    expect(tolerations.at(-1)?.key).toBe('node.kubernetes.io/network-unavailable');
  });

  it('are bound to their node, whatever else the template wants', () => {
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [] };
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } };
    const affinity = boundTo({ podAntiAffinity, nodeAffinity }, 'a');
    expect(affinity).toEqual({
      podAntiAffinity,
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }],
        },
      },
    });
    const pod: Pod = { metadata: {}, spec: { containers: [], affinity } };
    expect(targetNode(pod)).toBe('a');
    expect(targetNode({ metadata: {}, spec: { containers: [], nodeName: 'b', affinity } })).toBe('b');
    expect(targetNode({ metadata: {}, spec: { containers: [] } })).toBeUndefined();
  });
});
