import { describe, expect, it } from 'vitest';
import { volumeAnnotations } from '@kubets/api/core/helpers/persistent-volume';
import type { Pod } from '@kubets/api/types/core-v1';
import { eventually, settle } from '@kubets/client/testing';
import { CycleState } from '../../framework/cycle-state.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import type { Status } from '../../framework/status.ts';
import type { Outcome } from '../../framework/types.ts';
import { PluginFixture, podInfo } from '../../testing/plugin-fixture.ts';
import {
  claim,
  completeBinding,
  createVolume,
  inZone,
  nodeIn,
  podWith,
  storageClass,
  volume,
  zoneLabel,
} from '../../testing/volume-objects.ts';
import { volumeBinding, type VolumeBinding } from './volume-binding.ts';

const signal = new AbortController().signal;

/** A server with two nodes in two zones, a class that binds late and one that binds at once. */
async function start(arrange: (fixture: PluginFixture) => Promise<void>, args: Record<string, unknown> = {}) {
  const fixture = await PluginFixture.start();
  const plugin = volumeBinding(args, fixture.handle) as VolumeBinding;
  await fixture.addNode(nodeIn('n1', 'z1'));
  await fixture.addNode(nodeIn('n2', 'z2'));
  await fixture.client.storageClasses().create(storageClass('late'));
  await fixture.client.storageClasses().create(storageClass('manual', { provisioner: 'kubernetes.io/no-provisioner' }));
  await fixture.client.storageClasses().create(storageClass('early', { volumeBindingMode: 'Immediate' }));
  await arrange(fixture);
  await fixture.sync();
  const attempt = (pod: Pod): Attempt => new Attempt(fixture, plugin, podInfo(pod));
  return { fixture, plugin, attempt, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

/** One pod's way through the extension points. */
class Attempt {
  readonly state = new CycleState();
  readonly before: Status | undefined;
  readonly #fixture: PluginFixture;
  readonly #plugin: VolumeBinding;
  readonly #pod: PodInfo;

  constructor(fixture: PluginFixture, plugin: VolumeBinding, pod: PodInfo) {
    this.#fixture = fixture;
    this.#plugin = plugin;
    this.#pod = pod;
    this.before = plugin.preFilter(this.state, pod);
  }

  /** The message for each node; undefined: it fits. */
  filter(): Record<string, string | undefined> {
    return Object.fromEntries(
      this.#fixture.nodes.list().map((node) => [node.name, this.#plugin.filter(this.state, this.#pod, node)?.message]),
    );
  }

  reserve(nodeName: string): Outcome {
    this.filter();
    return this.#plugin.reserve(this.state, this.#pod, nodeName);
  }

  unreserve(): void {
    this.#plugin.unreserve(this.state);
  }

  preBind(nodeName: string, abort = signal): Promise<Outcome> {
    return this.#plugin.preBind(this.state, this.#pod, nodeName, abort);
  }
}

const nothing = "node(s) didn't find available persistent volumes to bind";

describe('VolumeBinding: before a node is chosen', () => {
  it.each([
    { name: 'no claims', pod: podWith('p', []), code: 'Skip' },
    {
      name: 'a claim that is not there',
      pod: podWith('p', ['absent']),
      message: 'persistentvolumeclaim "absent" not found',
    },
    {
      name: 'an ephemeral claim that is not there yet',
      pod: podWith('p', [], [{ name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } }]),
      message: 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-e"',
    },
    {
      name: 'a claim that binds at once and is not bound',
      pod: podWith('p', ['early']),
      message: 'pod has unbound immediate PersistentVolumeClaims',
    },
    {
      name: 'a claim that names its volume',
      pod: podWith('p', ['named']),
      message: 'pod has unbound immediate PersistentVolumeClaims',
    },
    {
      name: 'a claim that lost its volume',
      pod: podWith('p', ['lost']),
      message: 'persistentvolumeclaim "lost" bound to non-existent persistentvolume "gone"',
    },
  ])('$name', async ({ pod, message, code = 'UnschedulableAndUnresolvable' }) => {
    await using w = await start(async ({ client }) => {
      await client.persistentVolumeClaims('default').create(claim('early', { storageClassName: 'early' }));
      await client.persistentVolumeClaims('default').create(claim('named', { volumeName: 'v' }));
      const lost = await client.persistentVolumeClaims('default').create(claim('lost', { volumeName: 'gone' }));
      await client.persistentVolumeClaims('default').updateStatus({ ...lost, status: { phase: 'Lost' } });
    });
    const { before } = w.attempt(pod);
    expect(before).toMatchObject({ code, ...(message !== undefined && { reasons: [message] }) });
  });

  it('keeps pods where their bound volumes are', async () => {
    await using w = await start(async (fixture) => {
      await createVolume(fixture, volume('v', inZone('z2')));
      await fixture.client.persistentVolumeClaims('default').create(claim('c'));
      await completeBinding(fixture, 'c', 'v');
      await fixture.client.persistentVolumeClaims('default').create(claim('d'));
      await completeBinding(fixture, 'd', 'gone');
    });
    expect(w.attempt(podWith('p', ['c'])).filter()).toEqual({
      n1: "node(s) didn't match PersistentVolume's node affinity",
    });
    const missing = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
    expect(w.attempt(podWith('p', ['d'])).filter()).toEqual({ n1: missing, n2: missing });
  });

  it('has nothing to say about volumes that every node can reach', async () => {
    await using w = await start(async (fixture) => {
      await createVolume(fixture, volume('v'));
      await fixture.client.persistentVolumeClaims('default').create(claim('c'));
      await completeBinding(fixture, 'c', 'v');
    });
    expect(w.attempt(podWith('p', ['c'])).before?.code).toBe('Skip');
  });

  it('finds volumes for claims that waited, and provisioners where there are none', async () => {
    await using w = await start(async (fixture) => {
      await createVolume(fixture, volume('v', { ...inZone('z1'), storageClassName: 'manual' }));
      await fixture.client.persistentVolumeClaims('default').create(claim('c', { storageClassName: 'manual' }));
      await fixture.client.persistentVolumeClaims('default').create(claim('made'));
    });
    expect(w.attempt(podWith('p', ['c'])).filter()).toEqual({ n2: nothing });
    expect(w.attempt(podWith('p', ['made'])).filter()).toEqual({});
    expect(w.attempt(podWith('p', ['c', 'made'])).filter()).toEqual({ n2: nothing });
  });

  it('does not give one volume to two claims of a pod', async () => {
    await using w = await start(async (fixture) => {
      await createVolume(fixture, volume('v', { storageClassName: 'manual' }));
      for (const name of ['a', 'b']) {
        await fixture.client.persistentVolumeClaims('default').create(claim(name, { storageClassName: 'manual' }));
      }
    });
    expect(w.attempt(podWith('p', ['a'])).filter()).toEqual({});
    expect(w.attempt(podWith('p', ['a', 'b'])).filter()).toEqual({ n1: nothing, n2: nothing });
  });

  it('heeds the topology of the class, the node chosen before, and the room that drivers report', async () => {
    await using w = await start(async ({ client }) => {
      const allowedTopologies = [{ matchLabelExpressions: [{ key: zoneLabel, values: ['z2'] }] }];
      await client.storageClasses().create(storageClass('zonal', { allowedTopologies }));
      await client.storageClasses().create(storageClass('counted', { provisioner: 'counted.example.com' }));
      await client.csiDrivers().create({
        kind: 'CSIDriver',
        apiVersion: 'storage.k8s.io/v1',
        metadata: { name: 'counted.example.com' },
        spec: { storageCapacity: true },
      });
      for (const [zone, capacity] of [
        ['z1', '500Mi'],
        ['z2', '5Gi'],
      ] as const) {
        await client.csiStorageCapacities('default').create({
          kind: 'CSIStorageCapacity',
          apiVersion: 'storage.k8s.io/v1',
          metadata: { name: zone, namespace: 'default' },
          storageClassName: 'counted',
          nodeTopology: { matchLabels: { [zoneLabel]: zone } },
          capacity,
        });
      }
      const claims = client.persistentVolumeClaims('default');
      await claims.create(claim('zonal', { storageClassName: 'zonal' }));
      await claims.create(claim('counted', { storageClassName: 'counted' }));
      const chosen = claim('chosen');
      await claims.create({
        ...chosen,
        metadata: { ...chosen.metadata, annotations: { [volumeAnnotations.selectedNode]: 'n2' } },
      });
    });
    expect(w.attempt(podWith('p', ['zonal'])).filter()).toEqual({ n1: nothing });
    expect(w.attempt(podWith('p', ['chosen'])).filter()).toEqual({ n1: nothing });
    expect(w.attempt(podWith('p', ['counted'])).filter()).toEqual({ n1: 'node(s) did not have enough free storage' });
  });
});

describe('VolumeBinding: on the node chosen', () => {
  const manual = async (fixture: PluginFixture): Promise<void> => {
    await createVolume(fixture, volume('v', { storageClassName: 'manual' }));
    for (const name of ['a', 'b']) {
      await fixture.client.persistentVolumeClaims('default').create(claim(name, { storageClassName: 'manual' }));
    }
  };

  it('promises a volume once, and takes the promise back', async () => {
    await using w = await start(manual);
    const first = w.attempt(podWith('p', ['a']));
    expect(first.reserve('n1')).toBeUndefined();
    expect(w.attempt(podWith('q', ['b'])).filter()).toEqual({ n1: nothing, n2: nothing });
    first.unreserve();
    first.unreserve();
    expect(w.attempt(podWith('q', ['b'])).filter()).toEqual({});
  });

  it('has nothing to do for volumes that are bound', async () => {
    await using w = await start(async (fixture) => {
      await manual(fixture);
      const bound = volume('bound', inZone('z1'));
      await createVolume(fixture, bound);
      await completeBinding(fixture, 'a', 'bound');
    });
    const attempt = w.attempt(podWith('p', ['a']));
    expect(attempt.reserve('n1')).toBeUndefined();
    expect(w.plugin.preBindPreFlight(attempt.state)?.code).toBe('Skip');
    expect(await attempt.preBind('n1')).toBeUndefined();
  });

  it('writes the binding and waits for the controller to complete it', async () => {
    await using w = await start(manual);
    const pod = await w.fixture.client.pods('default').create(podWith('p', ['a']));
    const attempt = w.attempt(pod);
    attempt.reserve('n1');
    expect(w.plugin.preBindPreFlight(attempt.state)).toBeUndefined();
    let done = false;
    const binding = attempt.preBind('n1').finally(() => (done = true));
    await settle(30);
    const bound = await w.fixture.client.persistentVolumes().get('v');
    expect(bound.spec?.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace: 'default', name: 'a' });
    expect(bound.metadata.annotations).toEqual({ [volumeAnnotations.boundByController]: 'yes' });
    expect(done).toBe(false);
    await completeBinding(w.fixture, 'a', 'v');
    expect(await binding).toBeUndefined();
    // What was assumed is now simply so.
    expect(w.attempt(podWith('q', ['b'])).filter()).toEqual({ n1: nothing, n2: nothing });
  });

  it('asks for a volume on the node, and gives up when the provisioner does', async () => {
    await using w = await start(async ({ client }) => {
      await client.persistentVolumeClaims('default').create(claim('c'));
    });
    const claims = w.fixture.client.persistentVolumeClaims('default');
    const attempt = w.attempt(await w.fixture.client.pods('default').create(podWith('p', ['c'])));
    attempt.reserve('n2');
    const binding = attempt.preBind('n2');
    await settle(30);
    const waiting = await claims.get('c');
    expect(waiting.metadata.annotations).toMatchObject({ [volumeAnnotations.selectedNode]: 'n2' });
    await claims.update({ ...waiting, metadata: { ...waiting.metadata, annotations: {} } });
    expect(await binding).toMatchObject({
      code: 'Error',
      reasons: ['binding volumes: provisioning failed for PVC "c"'],
    });
    attempt.unreserve();
    expect(w.fixture.handle.metrics.text()).toContain(
      'scheduler_volume_scheduling_stage_error_total{operation="bind"} 1',
    );
  });

  it('does not wait for a volume that cannot be reached from the node', async () => {
    await using w = await start(async ({ client }) => {
      await client.persistentVolumeClaims('default').create(claim('c'));
    });
    const attempt = w.attempt(await w.fixture.client.pods('default').create(podWith('p', ['c'])));
    attempt.reserve('n2');
    const binding = attempt.preBind('n2');
    await settle(30);
    await createVolume(w.fixture, volume('elsewhere', inZone('z1')));
    await completeBinding(w.fixture, 'c', 'elsewhere');
    expect((await binding)?.message).toContain('node affinity doesn\'t match node "n2"');
  });

  it.each([
    {
      name: 'the pod is deleted',
      message: 'binding volumes: pod does not exist any more',
      act: (f: PluginFixture) => f.client.pods('default').delete('p', { gracePeriodSeconds: 0 }),
    },
    { name: 'the time is over', message: 'binding volumes: context deadline exceeded', act: () => Promise.resolve() },
  ])('stops waiting when $name', async ({ message, act }) => {
    await using w = await start(manual, { bindTimeoutSeconds: 5 });
    const attempt = w.attempt(await w.fixture.client.pods('default').create(podWith('p', ['a'])));
    attempt.reserve('n1');
    let result: Outcome;
    const binding = attempt.preBind('n1').then((outcome) => (result = outcome));
    await settle(30);
    await act(w.fixture);
    await eventually(w.fixture.clock, () => result !== undefined, { stepMs: 1000, steps: 20 });
    await binding;
    expect(result?.message).toBe(message);
  });

  it('stops waiting when it is told to', async () => {
    await using w = await start(manual);
    const attempt = w.attempt(await w.fixture.client.pods('default').create(podWith('p', ['a'])));
    attempt.reserve('n1');
    const stop = new AbortController();
    const { timers } = w.fixture.clock;
    const binding = attempt.preBind('n1', stop.signal);
    await settle(10);
    stop.abort(new Error('stopped'));
    expect((await binding)?.message).toBe('binding volumes: stopped');
    expect(w.fixture.clock.timers).toBeLessThanOrEqual(timers);
  });

  it('fails and can be tried again when somebody else was faster', async () => {
    await using w = await start(manual);
    const attempt = w.attempt(await w.fixture.client.pods('default').create(podWith('p', ['a'])));
    attempt.reserve('n1');
    const volumes = w.fixture.client.persistentVolumes();
    const current = await volumes.get('v');
    await volumes.update({ ...current, metadata: { ...current.metadata, labels: { changed: 'yes' } } });
    const outcome = await attempt.preBind('n1');
    expect(outcome?.code).toBe('Error');
    attempt.unreserve();
    await settle(30);
    expect(w.attempt(podWith('p', ['a'])).reserve('n1')).toBeUndefined();
  });
});

describe('VolumeBinding: hints', () => {
  it('knows its own claims, and classes and capacities that got better', async () => {
    await using w = await start(() => Promise.resolve());
    const hints = new Map(w.plugin.eventsToRegister().map(({ event, hint }) => [event.resource, hint]));
    const pod = podWith('p', ['c']);
    const ask = (resource: string, old: object | undefined, now: object | undefined): string | undefined =>
      hints.get(resource)?.(pod, old as never, now as never);
    expect(ask('PersistentVolumeClaim', undefined, claim('c'))).toBe('Queue');
    expect(ask('PersistentVolumeClaim', undefined, claim('d'))).toBe('QueueSkip');
    expect(ask('StorageClass', undefined, storageClass('x'))).toBe('Queue');
    expect(ask('StorageClass', storageClass('x'), storageClass('x', { allowVolumeExpansion: true }))).toBe('QueueSkip');
    const room = (capacity: string) => ({ metadata: { name: 'r' }, storageClassName: 'x', capacity });
    expect(ask('CSIStorageCapacity', room('1Gi'), room('2Gi'))).toBe('Queue');
    expect(ask('CSIStorageCapacity', room('2Gi'), room('1Gi'))).toBe('QueueSkip');
  });
});
