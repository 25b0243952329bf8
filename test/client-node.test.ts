/**
 * The official JavaScript client: typed CRUD, its informer and its watch.
 *
 * `KUBETS_SOAK_SECONDS` says how long the informer is fed 200 changes a second (default 15).
 */
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  setHeaderOptions,
  PatchStrategy,
  Watch,
  type V1ConfigMap,
} from '@kubernetes/client-node';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

/** The default of a second is too short where other tests take the processors. */
const patient = { timeout: 15_000 };

const soakSeconds = Number(process.env['KUBETS_SOAK_SECONDS'] ?? 15);
const changesPerSecond = 200;
const namespace = 'default';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: KubetsProcess;
let config: KubeConfig;
let core: CoreV1Api;

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await KubetsProcess.start(join(directory.path, 'data'));
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${condition.toString()}`);
    await pause(20);
  }
}

describe('@kubernetes/client-node', () => {
  it('creates, reads, replaces, patches, lists and deletes, typed', async () => {
    // No scheduler of that name writes into it between reading and replacing.
    const containers = [{ name: 'c', image: 'nginx' }];
    const created = await core.createNamespacedPod({
      namespace,
      body: { metadata: { name: 'typed' }, spec: { schedulerName: 'nobody', containers } },
    });
    expect(created.spec?.restartPolicy).toBe('Always');
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const read = await core.readNamespacedPod({ name: 'typed', namespace });
    if (read.metadata) read.metadata.labels = { a: 'b' };
    const replaced = await core.replaceNamespacedPod({ name: 'typed', namespace, body: read });
    expect(replaced.metadata?.labels).toEqual({ a: 'b' });
    const patched = await core.patchNamespacedPod(
      { name: 'typed', namespace, body: { metadata: { labels: { c: 'd' } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(patched.metadata?.labels).toEqual({ a: 'b', c: 'd' });
    expect((await core.listNamespacedPod({ namespace, labelSelector: 'c=d' })).items).toHaveLength(1);
    await core.deleteNamespacedPod({ name: 'typed', namespace, gracePeriodSeconds: 0 });
    await expect(core.readNamespacedPod({ name: 'typed', namespace })).rejects.toMatchObject({ code: 404 });
  });

  it('scales a deployment and sees its conflict errors', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'scaled' };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    };
    const body = { metadata: { name: 'scaled' }, spec };
    const first = await apps.createNamespacedDeployment({ namespace, body });
    const scaleTo = async (replicas: number): Promise<void> => {
      const scale = await apps.readNamespacedDeploymentScale({ name: 'scaled', namespace });
      scale.spec = { replicas };
      await apps.replaceNamespacedDeploymentScale({ name: 'scaled', namespace, body: scale });
    };
    // The controller writes the status meanwhile: a conflict is tried again, as any client would.
    await vi.waitFor(() => scaleTo(4), patient);
    await expect(apps.replaceNamespacedDeployment({ name: 'scaled', namespace, body: first })).rejects.toMatchObject({
      code: 409,
    });
    expect((await apps.readNamespacedDeployment({ name: 'scaled', namespace })).spec?.replicas).toBe(4);
  });

  it(
    `its informer misses no final state under ${changesPerSecond} changes/s`,
    async () => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const informer = makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }));
      const seen = new Map<string, string | undefined>();
      const set = (object: V1ConfigMap): void => void seen.set(object.metadata?.name ?? '', object.data?.['value']);
      informer.on('add', set);
      informer.on('update', set);
      informer.on('delete', (object) => void seen.delete(object.metadata?.name ?? ''));
      informer.on('error', () => void pause(100).then(() => informer.start()));
      await informer.start();
      const truth = new Map<string, string>();
      const batch = changesPerSecond / 20;
      for (let round = 0; round < soakSeconds * 20; round++) {
        const next = pause(50);
        await Promise.all(Array.from({ length: batch }, (_, i) => change(truth, (round * batch + i) % 50, round)));
        await next;
      }
      const mine = (): string =>
        JSON.stringify([...seen].filter(([name]) => name.startsWith('soak-')).toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const want = JSON.stringify([...truth].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      await until(() => mine() === want, 10);
      await informer.stop();
      expect(truth.size).toBeGreaterThan(10);
    },
    (soakSeconds + 60) * 1000,
  );

  it('its watch delivers every change in order', async () => {
    const watch = new Watch(config);
    const seen: string[] = [];
    const { metadata } = await core.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: 'ordered' }, data: { value: '0' } },
    });
    const query = { fieldSelector: 'metadata.name=ordered', resourceVersion: metadata?.resourceVersion };
    const controller = await watch.watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      query,
      (_, object: V1ConfigMap) => void seen.push(object.data?.['value'] ?? ''),
      () => undefined,
    );
    for (let i = 1; i <= 100; i++) {
      await core.replaceNamespacedConfigMap({
        name: 'ordered',
        namespace,
        body: { metadata: { name: 'ordered' }, data: { value: `${i}` } },
      });
    }
    await until(() => seen.length === 100, 10);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => `${i + 1}`));
    controller.abort();
  });
});

/** Creates, changes or deletes one of the soak's objects. */
async function change(truth: Map<string, string>, i: number, round: number): Promise<void> {
  const name = `soak-${i}`;
  const data = { value: `${round}` };
  if (!truth.has(name)) {
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data } });
    truth.set(name, data.value);
  } else if (round % 7 === 3) {
    await core.deleteNamespacedConfigMap({ name, namespace });
    truth.delete(name);
  } else {
    await core.replaceNamespacedConfigMap({ name, namespace, body: { metadata: { name }, data } });
    truth.set(name, data.value);
  }
}
