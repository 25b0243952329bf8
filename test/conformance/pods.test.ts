/** Pods: what the API server decides about them before and after a node has them. */
import { describe, expect } from 'vitest';
import { covers, coversPart, useCluster } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import { containers } from './samples.ts';

useCluster();

const node = 'a node that runs the pod';

const pod = (name: string, spec: Draft = {}, meta: Draft = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...meta },
  spec: { containers, ...spec },
});

const forbidden = { code: 403, reason: 'Forbidden' };
const invalid = { code: 422, reason: 'Invalid' };

/** A node that exists in the API only; pods bound to it are deleted in two steps. */
async function fakeNode(cluster: Cluster): Promise<string> {
  const name = unique('node');
  await cluster.of('v1/nodes').create({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  return name;
}

describe('pods', () => {
  coversPart('[sig-node] Pods should be submitted and removed [NodeConformance]', node, async (cluster) => {
    const label = unique('time');
    const pods = cluster.of('v1/pods', await cluster.namespace());
    const selector = { labelSelector: `time=${label}` };
    const before = await pods.list(selector);
    expect(before.items).toEqual([]);
    using watching = await pods.watch({ ...selector, resourceVersion: before.metadata.resourceVersion });
    const nodeName = await fakeNode(cluster);
    await pods.create(pod('p', { nodeName, terminationGracePeriodSeconds: 30 }, { labels: { time: label } }));
    expect((await pods.list(selector)).items).toHaveLength(1);
    await watching.event('ADDED', 'p');
    await pods.delete('p', { gracePeriodSeconds: 30 });
    const seen = await watching.event('MODIFIED', 'p', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    expect(seen.object.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    // The node has stopped it.
    await pods.delete('p', { gracePeriodSeconds: 0, preconditions: { uid: seen.object.metadata.uid } });
    await watching.event('DELETED', 'p');
    expect((await pods.list(selector)).items).toEqual([]);
  });

  coversPart(
    '[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance]',
    node,
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const created = await pods.create(pod('p'));
      const spec = { ...(created['spec'] as Draft), activeDeadlineSeconds: 5 };
      const updated = await pods.replace({ ...created, spec } as Obj);
      expect(updated['spec']).toMatchObject({ activeDeadlineSeconds: 5 });
      const later = { ...updated, spec: { ...spec, activeDeadlineSeconds: 6 } } as Obj;
      await expect(pods.replace(later)).rejects.toMatchObject(invalid);
    },
  );

  covers(
    '[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu',
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const resources = { cpu: '100m', memory: '100Mi' };
      const qos = async (name: string, given: Draft): Promise<unknown> => {
        const created = await pods.create(pod(name, { containers: [{ ...containers[0], resources: given }] }));
        return (created['status'] as { qosClass: string }).qosClass;
      };
      expect(await qos('guaranteed', { requests: resources, limits: resources })).toBe('Guaranteed');
      expect(await qos('limited', { limits: resources })).toBe('Guaranteed');
      expect(await qos('burstable', { requests: resources })).toBe('Burstable');
      expect(await qos('best', {})).toBe('BestEffort');
    },
  );
});

describe('pod generation', () => {
  coversPart(
    '[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34]',
    'the node that reports the observed generation',
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const tolerations = [{ key: 'foo', operator: 'Exists' }];
      const created = await pods.create(pod('p', { activeDeadlineSeconds: 5000 }));
      expect(created.metadata.generation).toBe(1);
      const specs: readonly Draft[] = [
        { activeDeadlineSeconds: 4000 },
        { containers: [{ name: 'c', image: 'other:1' }] },
        { tolerations },
        { terminationGracePeriodSeconds: 30 },
      ];
      let expected = 1;
      for (const spec of specs.slice(0, 3)) {
        const { metadata } = await pods.patch('p', 'strategic', { spec });
        expect(metadata.generation).toBe(++expected);
      }
      const same = await pods.patch('p', 'strategic', { metadata: { annotations: { a: 'b' } }, spec: specs[3] });
      expect(same.metadata.generation).toBe(expected);
      const resize = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] } };
      const resized = await pods.patch('p', 'strategic', resize, { subresource: 'resize' }).catch(() => undefined);
      // A pod without any requests is of another quality of service: it cannot be resized into one.
      expect(resized).toBeUndefined();
      const ephemeral = { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } };
      const debugged = await pods.patch('p', 'strategic', ephemeral, { subresource: 'ephemeralcontainers' });
      expect(debugged.metadata.generation).toBe(++expected);
      const status = await pods.patch('p', 'merge', { status: { message: 'x' } }, { subresource: 'status' });
      expect(status.metadata.generation).toBe(expected);
    },
  );

  covers(
    '[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete',
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const nodeName = await fakeNode(cluster);
      const created = await pods.create(pod('p', { nodeName }, { generation: 100 }));
      expect(created.metadata.generation).toBe(1);
      using watching = await pods.watch();
      await pods.delete('p', { gracePeriodSeconds: 20 });
      const seen = await watching.event('MODIFIED', 'p', ({ metadata }) => metadata.deletionTimestamp !== undefined);
      expect(seen.object.metadata.generation).toBe(2);
    },
  );

  coversPart(
    '[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34]',
    'the node that reports the observed generation',
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      await pods.create(pod('p'));
      for (let round = 0; round < 500; round++) {
        await pods.patch('p', 'strategic', { spec: { containers: [{ name: 'c', image: `other:${round}` }] } });
      }
      expect((await pods.get('p')).metadata.generation).toBe(501);
    },
  );

  coversPart(
    '[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34]',
    node,
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const resources = (cpu: string): Draft => ({
        requests: { cpu, memory: '64Mi' },
        limits: { cpu, memory: '64Mi' },
      });
      const created = await pods.create(pod('p', { containers: [{ ...containers[0], resources: resources('100m') }] }));
      const spec = created['spec'] as { containers: Draft[] };
      const changed = { ...spec, containers: [{ ...spec.containers[0], resources: resources('200m') }] };
      await expect(pods.replace({ ...created, spec: changed } as Obj)).rejects.toMatchObject(invalid);
      const resized = await pods.replace({ ...created, spec: changed } as Obj, { subresource: 'resize' });
      expect(resized['spec']).toMatchObject({ containers: [{ resources: resources('200m') }] });
      expect(resized.metadata.generation).toBe(2);
      expect(await pods.get('p', 'resize')).toEqual(await pods.get('p'));
    },
  );
});

describe('resizes', () => {
  type Sizes = readonly (readonly [cpu: string, memory: string])[];

  const sized = (sizes: Sizes, burst: number): Draft[] =>
    sizes.map(([cpu, memory], index) => ({
      name: `c${index + 1}`,
      image: 'busybox:1',
      resources: {
        requests: { cpu, memory },
        limits: { cpu: `${Number.parseInt(cpu, 10) * burst}m`, memory: `${Number.parseInt(memory, 10) * burst}Mi` },
      },
    }));

  const cases: readonly (readonly [title: string, burst: number, before: Sizes, after: Sizes])[] = [
    [
      'guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase',
      1,
      [
        ['100m', '100Mi'],
        ['200m', '200Mi'],
        ['300m', '300Mi'],
      ],
      [
        ['140m', '140Mi'],
        ['250m', '250Mi'],
        ['240m', '240Mi'],
      ],
    ],
    [
      'guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease',
      1,
      [
        ['100m', '100Mi'],
        ['200m', '200Mi'],
        ['300m', '300Mi'],
      ],
      [
        ['140m', '140Mi'],
        ['150m', '150Mi'],
        ['250m', '250Mi'],
      ],
    ],
    [
      'guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2)',
      1,
      [
        ['100m', '100Mi'],
        ['200m', '200Mi'],
        ['300m', '300Mi'],
      ],
      [
        ['140m', '100Mi'],
        ['150m', '250Mi'],
        ['340m', '350Mi'],
      ],
    ],
    [
      'burstable pods - extended 6 containers - various operations performed (including adding limits and requests)',
      2,
      [
        ['100m', '100Mi'],
        ['100m', '100Mi'],
        ['100m', '100Mi'],
        ['100m', '100Mi'],
        ['100m', '100Mi'],
        ['100m', '100Mi'],
      ],
      [
        ['100m', '120Mi'],
        ['120m', '100Mi'],
        ['80m', '80Mi'],
        ['100m', '100Mi'],
        ['120m', '80Mi'],
        ['120m', '120Mi'],
      ],
    ],
    ['burstable pods - extended resize with equivalents', 2, [['2m', '100Mi']], [['1m', '100Mi']]],
  ];

  for (const [title, burst, before, after] of cases) {
    coversPart(
      `[sig-node] Pod InPlace Resize Container ${title} [MinimumKubeletVersion:1.34]`,
      node,
      async (cluster) => {
        const pods = cluster.of('v1/pods', await cluster.namespace());
        const created = await pods.create(pod('p', { containers: sized(before, burst) }));
        const patch = { spec: { containers: sized(after, burst).map(({ name, resources }) => ({ name, resources })) } };
        await expect(pods.patch('p', 'strategic', patch)).rejects.toMatchObject(invalid);
        const resized = await pods.patch('p', 'strategic', patch, { subresource: 'resize' });
        expect(resized['spec']).toMatchObject({ containers: sized(after, burst) });
        expect(resized.metadata.generation).toBe(2);
        expect((resized['status'] as { qosClass: string }).qosClass).toBe(burst === 1 ? 'Guaranteed' : 'Burstable');
        const back = { spec: { containers: sized(before, burst).map(({ name, resources }) => ({ name, resources })) } };
        const again = await pods.patch('p', 'strategic', back, { subresource: 'resize' });
        expect(again['spec']).toEqual(created['spec']);
      },
    );
  }
});

describe('runtime classes', () => {
  const runtimeClass = (name: string, rest: Draft = {}): Draft => ({
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name },
    handler: 'runc',
    ...rest,
  });

  covers(
    '[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]',
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      await expect(pods.create(pod('p', { runtimeClassName: unique('none') }))).rejects.toMatchObject(forbidden);
    },
  );

  covers(
    '[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]',
    async (cluster) => {
      const classes = cluster.of('node.k8s.io/v1/runtimeclasses');
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const name = unique('delete-me');
      await classes.create(runtimeClass(name));
      expect((await pods.create(pod('before', { runtimeClassName: name })))['spec']).toMatchObject({
        runtimeClassName: name,
      });
      await classes.delete(name);
      await expect(classes.get(name)).rejects.toMatchObject({ code: 404 });
      await expect(pods.create(pod('p', { runtimeClassName: name }))).rejects.toMatchObject(forbidden);
    },
  );
});

describe('other pod fields', () => {
  covers('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls', async (cluster) => {
    const pods = cluster.of('v1/pods', await cluster.namespace());
    const sysctl = (name: string): Draft => ({ name, value: 'bar' });
    const sysctls = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'].map(sysctl);
    const refused = await pods.create(pod('p', { securityContext: { sysctls } })).catch((error: unknown) => error);
    expect(refused).toMatchObject(invalid);
    expect(String(refused)).toContain('Invalid value: \\"foo-\\"');
    expect(String(refused)).toContain('Invalid value: \\"bar..\\"');
    expect(String(refused)).not.toContain('safe-and-unsafe');
    expect(String(refused)).not.toContain('kernel.shmmax');
  });

  covers('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API', async (cluster) => {
    const label = unique('e2e');
    const pods = cluster.of('v1/pods', await cluster.namespace());
    const csi = { driver: 'e2e.example.com', readOnly: true, volumeAttributes: { a: 'b' } };
    const volumes = [{ name: 'inline', csi }];
    await pods.create(pod('p', { volumes }, { labels: { e2e: label } }));
    const read = await pods.get('p');
    expect((read['spec'] as { volumes: Draft[] }).volumes).toContainEqual(volumes[0]);
    expect((await cluster.of('v1/pods').list({ labelSelector: `e2e=${label}` })).items).toHaveLength(1);
    const patched = await pods.patch('p', 'strategic', { metadata: { labels: { patched: 'true' } } });
    expect((patched['spec'] as { volumes: Draft[] }).volumes).toContainEqual(volumes[0]);
    await pods.delete('p');
    await expect(pods.get('p')).rejects.toMatchObject({ code: 404 });
  });

  coversPart(
    '[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod',
    node,
    async (cluster) => {
      const pods = cluster.of('v1/pods', await cluster.namespace());
      const created = await pods.create(pod('p'));
      const debug = (name: string): Draft => ({
        name,
        image: 'busybox',
        command: ['sleep', '1'],
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
      });
      const at = { subresource: 'ephemeralcontainers' };
      const spec = created['spec'] as Draft;
      const first = await pods.replace(
        { ...created, spec: { ...spec, ephemeralContainers: [debug('d1')] } } as Obj,
        at,
      );
      expect(first['spec']).toMatchObject({ ephemeralContainers: [debug('d1')] });
      const patch = { spec: { ephemeralContainers: [debug('d2')] } };
      const second = await pods.patch('p', 'strategic', patch, at);
      const { ephemeralContainers } = second['spec'] as { ephemeralContainers: { name: string }[] };
      expect(ephemeralContainers.map(({ name }) => name).toSorted()).toEqual(['d1', 'd2']);
      expect(await pods.get('p', 'ephemeralcontainers')).toEqual(await pods.get('p'));
      const removed = { ...second, spec: { ...(second['spec'] as Draft), ephemeralContainers: [] } } as Obj;
      await expect(pods.replace(removed, at)).rejects.toMatchObject(invalid);
    },
  );
});
