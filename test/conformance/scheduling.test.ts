/** Where pods may go, and who makes way: upstream's `test/e2e/scheduling/{predicates,preemption}.go`. */
import { afterEach, describe, expect } from 'vitest';
import { covers, coversPart, useNodes } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { conditionOf, isLive, isReady, pod, podSpec } from './pods.ts';
import { containers } from './samples.ts';
import { becomes, eventually, find, lists, vanishes } from './waiting.ts';

useNodes();

interface Place {
  readonly namespace: string;
  readonly pods: Collection;
  readonly nodes: Collection;
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function place(cluster: Cluster): Promise<Place> {
  const namespace = await cluster.namespace();
  cleanUps.push(async () => {
    await cluster.of('v1/namespaces').delete(namespace);
    await vanishes(cluster.of('v1/namespaces'), namespace);
  });
  return { namespace, pods: cluster.of('v1/pods', namespace), nodes: cluster.of('v1/nodes') };
}

const wanting = (name: string, resources: Draft, spec: Draft = {}, metadata: Draft = {}): Draft =>
  pod(
    name,
    { containers: [{ ...containers[0], resources: { requests: resources, limits: resources } }], ...spec },
    metadata,
  );

const scheduled = (object: Obj): boolean => podSpec(object).nodeName !== undefined;
const unschedulable = (object: Obj): boolean => conditionOf(object, 'PodScheduled')?.reason === 'Unschedulable';
const messageOf = (object: Obj): string | undefined => conditionOf(object, 'PodScheduled')?.message;

const hostnameOf = ({ metadata }: Obj): string => metadata.labels?.['kubernetes.io/hostname'] ?? '';
const onNode = (hostname: string): Draft => ({ nodeSelector: { 'kubernetes.io/hostname': hostname } });

/** Resolves to a node that runs a pod without any wishes. */
async function nodeThatCanRunPods({ pods }: Place): Promise<string> {
  await pods.create(pod('without-label'));
  const { nodeName = '' } = podSpec(await becomes(pods, 'without-label', scheduled));
  await pods.delete('without-label', { gracePeriodSeconds: 0 });
  return nodeName;
}

async function label(nodes: Collection, node: string, key: string, value: string | null): Promise<void> {
  await nodes.patch(node, 'merge', { metadata: { labels: { [key]: value } } });
}

const predicates = '[sig-scheduling] SchedulerPredicates [Serial]';

describe('predicates', () => {
  covers(`${predicates} validates resource limits of pods that are allowed to run`, async (cluster) => {
    const { pods, nodes } = await place(cluster);
    const key = unique('node');
    const all = (await nodes.list()).items;
    for (const node of all) {
      const { name } = node.metadata;
      await label(nodes, name, key, name);
      cleanUps.push(() => label(nodes, name, key, null));
    }
    const milli = (quantity: string): number =>
      quantity.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1000;
    // Seven tenths of every node are taken; the rest has no room for five tenths more.
    for (const { metadata, status } of all) {
      const { cpu } = (status as { allocatable: Record<string, string> }).allocatable;
      const share = { cpu: `${Math.floor(milli(cpu ?? '0') * 0.7)}m` };
      await pods.create(wanting(`filler-${metadata.name}`, share, { nodeSelector: { [key]: metadata.name } }));
    }
    await lists(pods, {}, (list) => list.length === all.length && list.every(isReady));
    const { cpu: most } = (all[0]!['status'] as { allocatable: Record<string, string> }).allocatable;
    await pods.create(wanting('additional-pod', { cpu: `${Math.floor(milli(most ?? '0') * 0.5)}m` }));
    const refused = await becomes(pods, 'additional-pod', unschedulable);
    expect(messageOf(refused)).toContain(`0/${all.length} nodes are available: ${all.length} Insufficient cpu.`);
    const event = async (): Promise<readonly Obj[]> =>
      (
        await cluster.of('v1/events', refused.metadata.namespace).list({
          fieldSelector: 'involvedObject.name=additional-pod,reason=FailedScheduling',
        })
      ).items;
    await eventually(event, (list) => list.length > 0, 'an event that tells why');
  });

  covers(`${predicates} validates that NodeSelector is respected if matching`, async (cluster) => {
    const where = await place(cluster);
    const node = await nodeThatCanRunPods(where);
    const key = `kubernetes.io/${unique('e2e')}`;
    await label(where.nodes, node, key, '42');
    cleanUps.push(() => label(where.nodes, node, key, null));
    await where.pods.create(pod('with-labels', { nodeSelector: { [key]: '42' } }));
    expect(podSpec(await becomes(where.pods, 'with-labels', isReady)).nodeName).toBe(node);
  });

  covers(`${predicates} validates that NodeSelector is respected if not matching`, async (cluster) => {
    const { pods, nodes } = await place(cluster);
    await pods.create(pod('restricted-pod', { nodeSelector: { label: 'nonempty' } }));
    const refused = await becomes(pods, 'restricted-pod', unschedulable);
    const count = (await nodes.list()).items.length;
    const message = `0/${count} nodes are available: ${count} node(s) didn't match Pod's node affinity/selector.`;
    expect(messageOf(refused)).toContain(message);
    expect(scheduled(refused)).toBe(false);
  });

  const portPod = (name: string, node: string, port: Draft): Draft => {
    const ports = [{ containerPort: 8080, protocol: 'TCP', ...port }];
    return pod(name, { ...onNode(node), containers: [{ ...containers[0], ports }] });
  };

  covers(
    `${predicates} validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP`,
    async (cluster) => {
      const where = await place(cluster);
      const node = await nodeThatCanRunPods(where);
      const { pods } = where;
      const hostPort = 54_322;
      await pods.create(portPod('pod4', node, { hostPort, hostIP: '0.0.0.0' }));
      await becomes(pods, 'pod4', isReady);
      await pods.create(portPod('pod5', node, { hostPort, hostIP: '172.30.0.1' }));
      const refused = await becomes(pods, 'pod5', unschedulable);
      expect(messageOf(refused)).toContain("1 node(s) didn't have free ports for the requested pod ports");
    },
  );

  coversPart(
    '[sig-network] HostPort validates that there is no conflict between pods with same hostPort but different hostIP and protocol [LinuxOnly]',
    'asking the ports over the network',
    async (cluster) => {
      const where = await place(cluster);
      const node = await nodeThatCanRunPods(where);
      const hostPort = 54_323;
      for (const [name, port] of [
        ['pod1', { hostIP: '127.0.0.1' }],
        ['pod2', { hostIP: '172.30.0.1' }],
        ['pod3', { hostIP: '172.30.0.1', protocol: 'UDP' }],
      ] as const) {
        await where.pods.create(portPod(name, node, { hostPort, ...port }));
        expect(podSpec(await becomes(where.pods, name, isReady)).nodeName).toBe(node);
      }
    },
  );
});

const resource = 'scheduling.k8s.io/foo';

/** Nodes have ten of a resource that nobody else asks for. */
async function withExtended(cluster: Cluster, count = 10): Promise<readonly Obj[]> {
  const nodes = cluster.of('v1/nodes');
  const status = { subresource: 'status' };
  const set = (amount: string | null): Draft => ({
    status: { capacity: { [resource]: amount }, allocatable: { [resource]: amount } },
  });
  const all = (await nodes.list()).items;
  for (const { metadata } of all) {
    await nodes.patch(metadata.name, 'merge', set(`${count}`), status);
    cleanUps.push(() => nodes.patch(metadata.name, 'merge', set(null), status));
  }
  return all;
}

async function priorities(cluster: Cluster, values: Readonly<Record<string, number>>): Promise<void> {
  const classes = cluster.of('scheduling.k8s.io/v1/priorityclasses');
  for (const [name, value] of Object.entries(values)) {
    await classes.create({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value });
    cleanUps.push(() => classes.delete(name));
  }
}

/** Two thirds of every node are taken by one pod each: the first has low priority, the others a medium one. */
async function fill(
  where: Place,
  all: readonly Obj[],
  [low, medium]: readonly [string, string],
): Promise<readonly Obj[]> {
  const made: Obj[] = [];
  for (const [index, node] of all.entries()) {
    const priorityClassName = index === 0 ? low : medium;
    const spec = { ...onNode(hostnameOf(node)), priorityClassName, tolerations: [] };
    made.push(await where.pods.create(wanting(`pod${index}-0-${priorityClassName}`, { [resource]: '7' }, spec)));
  }
  const ready: Obj[] = [];
  for (const { metadata } of made) ready.push(await becomes(where.pods, metadata.name, isReady));
  return ready;
}

const preemption = '[sig-scheduling] SchedulerPreemption [Serial]';

describe('preemption', () => {
  covers(`${preemption} validates basic preemption works`, async (cluster) => {
    const where = await place(cluster);
    const [low, medium, high] = [unique('low'), unique('medium'), unique('high')] as const;
    await priorities(cluster, { [low]: 1, [medium]: 100, [high]: 1000 });
    const filled = await fill(where, await withExtended(cluster), [low, medium]);
    await where.pods.create(wanting('preemptor-pod', { [resource]: '7' }, { priorityClassName: high }));
    const preemptor = await becomes(where.pods, 'preemptor-pod', isReady);
    expect(podSpec(preemptor).nodeName).toBe(podSpec(filled[0]!).nodeName);
    await vanishes(where.pods, filled[0]!.metadata.name, filled[0]!.metadata.uid);
    for (const { metadata } of filled.slice(1)) expect(isLive(await where.pods.get(metadata.name))).toBe(true);
  });

  covers(`${preemption} validates lower priority pod preemption by critical pod`, async (cluster) => {
    const where = await place(cluster);
    const [low, medium] = [unique('low'), unique('medium')] as const;
    await priorities(cluster, { [low]: 1, [medium]: 100 });
    const filled = await fill(where, await withExtended(cluster), [low, medium]);
    const critical = cluster.of('v1/pods', 'kube-system');
    const priorityClassName = 'system-cluster-critical';
    await critical.create(wanting('critical-pod', { [resource]: '7' }, { priorityClassName }));
    cleanUps.push(() => critical.delete('critical-pod', { gracePeriodSeconds: 0 }));
    const preemptor = await becomes(critical, 'critical-pod', isReady);
    expect(podSpec(preemptor).nodeName).toBe(podSpec(filled[0]!).nodeName);
    await vanishes(where.pods, filled[0]!.metadata.name, filled[0]!.metadata.uid);
    for (const { metadata } of filled.slice(1)) expect(isLive(await where.pods.get(metadata.name))).toBe(true);
  });

  covers(`${preemption} validates pod disruption condition is added to the preempted pod`, async (cluster) => {
    const { pods } = await place(cluster);
    const [low, high] = [unique('low'), unique('high')] as const;
    await priorities(cluster, { [low]: 1, [high]: 1000 });
    const [node] = await withExtended(cluster, 1);
    const spec = onNode(hostnameOf(node!));
    const finalizers = ['example.com/test-finalizer'];
    const one = { [resource]: '1' };
    await pods.create(wanting('victim-pod', one, { ...spec, priorityClassName: low }, { finalizers }));
    await becomes(pods, 'victim-pod', isReady);
    cleanUps.push(async () => {
      if ((await find(pods, 'victim-pod')) !== undefined)
        await pods.patch('victim-pod', 'merge', { metadata: { finalizers: null } });
    });
    await pods.create(wanting('preemptor-pod', one, { ...spec, priorityClassName: high }));
    const victim = await becomes(pods, 'victim-pod', (object) => !isLive(object));
    const marked = await becomes(pods, 'victim-pod', (object) => conditionOf(object, 'DisruptionTarget') !== undefined);
    expect(conditionOf(marked, 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'PreemptionByScheduler' });
    await pods.patch('victim-pod', 'merge', { metadata: { finalizers: null } });
    await vanishes(pods, 'victim-pod', victim.metadata.uid);
    await becomes(pods, 'preemptor-pod', isReady);
  });

  covers(
    `${preemption} PreemptionExecutionPath runs ReplicaSets to verify preemption running path`,
    async (cluster) => {
      const where = await place(cluster);
      const { namespace, pods, nodes } = where;
      const sets = cluster.of('apps/v1/replicasets', namespace);
      const all = (await nodes.list()).items;
      const node = all[0]!;
      const names = [1, 2, 3, 4].map((level) => unique(`p${level}`));
      await priorities(cluster, Object.fromEntries(names.map((name, i) => [name, i + 1])));
      const extended = 'example.com/fakecpu';
      const status = { subresource: 'status' };
      const amounts = (amount: string | null): Draft => ({
        status: { capacity: { [extended]: amount }, allocatable: { [extended]: amount } },
      });
      await nodes.patch(node.metadata.name, 'merge', amounts('1000'), status);
      cleanUps.push(() => nodes.patch(node.metadata.name, 'merge', amounts(null), status));
      const create = async (level: number, replicas: number, each: string): Promise<void> => {
        const own = { name: `pod${level}` };
        const resources = { requests: { [extended]: each }, limits: { [extended]: each } };
        await sets.create({
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: { name: `rs-pod${level}`, labels: own },
          spec: {
            replicas,
            selector: { matchLabels: own },
            template: {
              metadata: { labels: own },
              spec: {
                terminationGracePeriodSeconds: 0,
                priorityClassName: names[level - 1],
                ...onNode(hostnameOf(node)),
                containers: [{ ...containers[0], resources }],
              },
            },
          },
        });
      };
      const created = new Map<string, number>();
      using watching = await pods.watch();
      for (const [level, replicas] of [
        [1, 1],
        [2, 2],
        [3, 3],
      ] as const) {
        await create(level, replicas, level === 1 ? '200' : level === 2 ? '150' : '95');
        await becomes(
          sets,
          `rs-pod${level}`,
          (set) => (set['status'] as { readyReplicas?: number }).readyReplicas === replicas,
        );
      }
      // 200 + 300 + 285 of 1000 are taken. 400 more take the place of the lowest that suffices: all of the first two levels.
      await create(4, 1, '400');
      await becomes(sets, 'rs-pod4', (set) => (set['status'] as { readyReplicas?: number }).readyReplicas === 1);
      const ready = async (level: number): Promise<number> =>
        ((await sets.get(`rs-pod${level}`))['status'] as { readyReplicas?: number }).readyReplicas ?? 0;
      expect(await ready(3)).toBe(3);
      await eventually(
        () => ready(1),
        (count) => count === 0,
        'the lowest has made way',
      );
      for (const { type, object } of watching.events) {
        const level = object.metadata.labels?.['name'] ?? '';
        if (type === 'ADDED') created.set(level, (created.get(level) ?? 0) + 1);
      }
      // Those of higher levels were made once only; what made way was made again, and waits.
      expect(created.get('pod3')).toBe(3);
      expect(created.get('pod4')).toBe(1);
      expect(created.get('pod1')).toBeGreaterThan(1);
    },
  );
});

describe('runtime classes', () => {
  const runtimeClass = async (cluster: Cluster, rest: Draft = {}): Promise<string> => {
    const classes = cluster.of('node.k8s.io/v1/runtimeclasses');
    const name = unique('e2e');
    await classes.create({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name },
      handler: 'runc',
      ...rest,
    });
    cleanUps.push(() => classes.delete(name));
    return name;
  };

  covers(
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance]',
    async (cluster) => {
      const { pods, nodes } = await place(cluster);
      const runtimeClassName = await runtimeClass(cluster);
      await pods.create(pod('p', { runtimeClassName }));
      const object = await becomes(pods, 'p', scheduled);
      expect(object['spec']).toMatchObject({ runtimeClassName });
      expect((object['spec'] as Draft)['overhead']).toBeUndefined();
      // What the class says of nodes is the pod's too.
      const { name: node } = (await nodes.list()).items.at(-1)!.metadata;
      const tolerations = [{ key: 'e2e', operator: 'Exists' }];
      const there = await runtimeClass(cluster, {
        scheduling: { nodeSelector: { 'kubernetes.io/hostname': node }, tolerations },
      });
      const made = await pods.create(pod('there', { runtimeClassName: there }));
      expect((made['spec'] as { tolerations: Draft[] }).tolerations).toContainEqual(tolerations[0]);
      expect(podSpec(await becomes(pods, 'there', scheduled)).nodeName).toBe(node);
    },
  );

  covers(
    '[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance]',
    async (cluster) => {
      const { pods, nodes } = await place(cluster);
      const overhead = { cpu: '10m', memory: '1Mi' };
      const runtimeClassName = await runtimeClass(cluster, { overhead: { podFixed: overhead } });
      await pods.create(pod('p', { runtimeClassName }));
      const object = await becomes(pods, 'p', scheduled);
      expect(object['spec']).toMatchObject({ overhead, runtimeClassName });
      await expect(pods.create(pod('other', { runtimeClassName, overhead: { cpu: '20m' } }))).rejects.toMatchObject({
        code: 403,
      });
      // The scheduler counts it: a class that asks for more than any node has finds no node.
      const greedy = await runtimeClass(cluster, { overhead: { podFixed: { cpu: '1000' } } });
      await pods.create(pod('greedy', { runtimeClassName: greedy }));
      const count = (await nodes.list()).items.length;
      expect(messageOf(await becomes(pods, 'greedy', unschedulable))).toContain(`${count} Insufficient cpu`);
    },
  );
});
