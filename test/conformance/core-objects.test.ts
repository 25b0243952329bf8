/** Config maps, secrets, pod templates, events, endpoints, leases, service accounts and limits. */
import { describe, expect } from 'vitest';
import { covers, useCluster } from './covers.ts';
import { unique, type Cluster, type Draft, type Obj } from './cluster.ts';
import type { Collection } from './collection.ts';
import { annotated, labelled } from './lifecycle.ts';
import { containers } from './samples.ts';

useCluster();

const names = (list: { items: readonly Obj[] }): string[] => list.items.map(({ metadata }) => metadata.name).toSorted();

const make = (apiVersion: string, kind: string, metadata: Draft, rest: Draft = {}): Draft => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});

const invalid = { code: 422, reason: 'Invalid' };

describe('config maps', () => {
  const map = (name: string, rest: Draft, labels: Draft = {}): Draft => make('v1', 'ConfigMap', { name, labels }, rest);

  covers('[sig-node] ConfigMap should fail to create ConfigMap with empty key', async (cluster) => {
    const maps = cluster.of('v1/configmaps', await cluster.namespace());
    await expect(maps.create(map('m', { data: { '': 'value-1' } }))).rejects.toMatchObject(invalid);
  });

  covers('[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance]', async (cluster) => {
    const maps = cluster.of('v1/configmaps', await cluster.namespace());
    const created = await maps.create(map('m', { data: { 'data-1': 'value-1' } }));
    const data = { data: 'value' };
    const updated = await maps.replace({ ...created, data } as Obj);
    expect(updated['data']).toEqual(data);
    expect((await maps.get('m'))['data']).toEqual(data);
  });

  covers('[sig-node] ConfigMap should run through a ConfigMap lifecycle', async (cluster) => {
    const namespace = await cluster.namespace();
    const maps = cluster.of('v1/configmaps', namespace);
    const label = unique('static');
    using watching = await cluster.of('v1/configmaps').watch({ labelSelector: `static=${label}` });
    await maps.create(map('m', { data: { valueName: 'value' } }, { static: label }));
    await watching.event('ADDED', 'm');
    const patch = { metadata: { labels: { patched: 'true' } }, data: { valueName: 'value1' } };
    await maps.patch('m', 'strategic', patch);
    await watching.event('MODIFIED', 'm');
    expect(await maps.get('m')).toMatchObject(patch);
    const all = await cluster.of('v1/configmaps').list({ labelSelector: `static=${label}` });
    expect(all.items).toHaveLength(1);
    expect(all.items[0]).toMatchObject({
      metadata: { name: 'm', namespace, labels: { static: label, patched: 'true' } },
    });
    expect(all.items[0]).toMatchObject({ data: { valueName: 'value1' } });
    await maps.deleteCollection({ labelSelector: `static=${label}` });
    await watching.event('DELETED', 'm');
    expect((await maps.list({ labelSelector: `static=${label}` })).items).toEqual([]);
  });

  covers('[sig-storage] ConfigMap should be immutable if `immutable` field is set', async (cluster) => {
    const maps = cluster.of('v1/configmaps', await cluster.namespace());
    await becomesImmutable(maps, await maps.create(map('m', { data: { 'data-1': 'value-1' } })), 'data-2');
  });
});

/** The same for config maps and secrets; `value` is a valid value of `data`. */
async function becomesImmutable(collection: Collection, created: Obj, value: string): Promise<void> {
  const data = (current: Obj, key: string): Obj => ({
    ...current,
    data: { ...(current['data'] as Draft), [key]: value },
  });
  const changed = await collection.replace(data(created, 'more'));
  const fixed = await collection.replace({ ...changed, immutable: true } as Obj);
  expect(fixed['immutable']).toBe(true);
  await expect(collection.replace(data(fixed, 'again'))).rejects.toMatchObject(invalid);
  await expect(collection.replace({ ...fixed, immutable: false } as Obj)).rejects.toMatchObject(invalid);
  const { immutable: _immutable, ...without } = fixed;
  await expect(collection.replace(without as Obj)).rejects.toMatchObject(invalid);
  const relabelled = await collection.replace(labelled(fixed, { label1: 'value1' }));
  expect(relabelled.metadata.labels).toEqual({ label1: 'value1' });
  await collection.delete(created.metadata.name);
  await expect(collection.get(created.metadata.name)).rejects.toMatchObject({ code: 404 });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('secrets', () => {
  covers('[sig-node] Secrets should fail to create secret due to empty secret key', async (cluster) => {
    const secrets = cluster.of('v1/secrets', await cluster.namespace());
    const secret = make('v1', 'Secret', { name: 's' }, { data: { '': base64('value-1') } });
    await expect(secrets.create(secret)).rejects.toMatchObject(invalid);
  });

  covers('[sig-node] Secrets should patch a secret', async (cluster) => {
    const secrets = cluster.of('v1/secrets', await cluster.namespace());
    const label = unique('constant');
    const secret = { type: 'Opaque', data: { key: base64('value') } };
    await secrets.create(make('v1', 'Secret', { name: 's', labels: { testsecret: label } }, secret));
    const all = await cluster.of('v1/secrets').list({ labelSelector: `testsecret=${label}` });
    expect(names(all)).toEqual(['s']);
    const patch = { metadata: { labels: { patched: 'true' } }, data: { key: base64('value1') } };
    await secrets.patch('s', 'strategic', patch);
    expect(await secrets.get('s')).toMatchObject({ ...patch, type: 'Opaque' });
    await secrets.deleteCollection({ labelSelector: `testsecret=${label}` });
    expect((await cluster.of('v1/secrets').list({ labelSelector: `testsecret=${label}` })).items).toEqual([]);
  });

  covers('[sig-storage] Secrets should be immutable if `immutable` field is set', async (cluster) => {
    const secrets = cluster.of('v1/secrets', await cluster.namespace());
    const secret = make('v1', 'Secret', { name: 's' }, { data: { 'data-1': base64('value-1') } });
    await becomesImmutable(secrets, await secrets.create(secret), base64('value-2'));
  });
});

describe('pod templates', () => {
  const template = (name: string, label: string): Draft =>
    make('v1', 'PodTemplate', { name, labels: { podtemplate: label } }, { template: { spec: { containers } } });

  covers('[sig-node] PodTemplates should run the lifecycle of PodTemplates', async (cluster) => {
    const templates = cluster.of('v1/podtemplates', await cluster.namespace());
    const label = unique('static');
    expect((await cluster.of('v1/podtemplates').list({ labelSelector: `podtemplate=${label}` })).items).toEqual([]);
    const created = await templates.create(template('t', label));
    expect(created).toMatchObject({ template: { spec: { restartPolicy: 'Always', containers } } });
    await templates.patch('t', 'strategic', { metadata: { labels: { podtemplate: `${label}-patched` } } });
    expect((await templates.get('t')).metadata.labels).toEqual({ podtemplate: `${label}-patched` });
    const all = cluster.of('v1/podtemplates');
    expect(names(await all.list({ labelSelector: `podtemplate=${label}-patched` }))).toEqual(['t']);
    await templates.delete('t');
    expect((await all.list({ labelSelector: `podtemplate=${label}-patched` })).items).toEqual([]);
  });

  covers('[sig-node] PodTemplates should delete a collection of pod templates', async (cluster) => {
    const templates = cluster.of('v1/podtemplates', await cluster.namespace());
    for (const name of ['t1', 't2', 't3']) await templates.create(template(name, 'set'));
    expect(names(await templates.list({ labelSelector: 'podtemplate=set' }))).toEqual(['t1', 't2', 't3']);
    await templates.deleteCollection({ labelSelector: 'podtemplate=set' });
    expect((await templates.list({ labelSelector: 'podtemplate=set' })).items).toEqual([]);
  });

  covers('[sig-node] PodTemplates should replace a pod template', async (cluster) => {
    const templates = cluster.of('v1/podtemplates', await cluster.namespace());
    const updated = await templates.replace(
      annotated(await templates.create(template('t', 'one')), { updated: 'true' }),
    );
    expect(updated.metadata.annotations).toEqual({ updated: 'true' });
    expect(await templates.get('t')).toEqual(updated);
  });
});

describe('events', () => {
  const event = (namespace: string, name: string, label: string): Draft =>
    make(
      'v1',
      'Event',
      { name, labels: { 'testevent-constant': label } },
      {
        involvedObject: { namespace, name: 'pod' },
        type: 'Normal',
        reason: 'Test',
        message: 'This is a test event',
        source: { component: 'e2e' },
      },
    );
  const newEvent = (namespace: string, name: string, label: string): Draft =>
    make(
      'events.k8s.io/v1',
      'Event',
      { name, labels: { 'testevent-set': label } },
      {
        regarding: { namespace, kind: 'Pod', name: 'pod' },
        type: 'Normal',
        reason: 'Test',
        note: 'This is a test event',
        action: 'Do',
        eventTime: '2026-01-02T03:04:05.000006Z',
        reportingController: 'test-controller',
        reportingInstance: 'test-instance',
      },
    );

  covers('[sig-instrumentation] Events should manage the lifecycle of an event', async (cluster) => {
    const namespace = await cluster.namespace();
    const events = cluster.of('v1/events', namespace);
    const label = unique('true');
    const selector = { labelSelector: `testevent-constant=${label}` };
    await events.create(event(namespace, 'e', label));
    expect(names(await cluster.of('v1/events').list(selector))).toEqual(['e']);
    const message = 'This is a test event - patched';
    await events.patch('e', 'strategic', { message });
    const patched = await events.get('e');
    expect(patched['message']).toBe(message);
    const series = { count: 100, lastObservedTime: '2026-01-02T03:04:05.000006Z' };
    const updated = await events.replace({ ...patched, series, reportingComponent: '', reportingInstance: '' } as Obj);
    expect(updated['series']).toEqual(series);
    expect((await events.get('e'))['series']).toEqual(series);
    await events.delete('e');
    expect((await cluster.of('v1/events').list(selector)).items).toEqual([]);
  });

  covers('[sig-instrumentation] Events should delete a collection of events', async (cluster) => {
    const namespace = await cluster.namespace();
    const events = cluster.of('v1/events', namespace);
    for (const name of ['e1', 'e2', 'e3']) await events.create(event(namespace, name, 'set'));
    expect(names(await events.list({ labelSelector: 'testevent-constant=set' }))).toEqual(['e1', 'e2', 'e3']);
    await events.deleteCollection({ labelSelector: 'testevent-constant=set' });
    expect((await events.list({ labelSelector: 'testevent-constant=set' })).items).toEqual([]);
  });

  covers(
    '[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed',
    async (cluster) => {
      const namespace = await cluster.namespace();
      const events = cluster.of('events.k8s.io/v1/events', namespace);
      const selector = { labelSelector: `testevent-set=${unique('set')}` };
      const label = selector.labelSelector.split('=')[1] ?? '';
      const created = await events.create(newEvent(namespace, 'e', label));
      expect(created).toMatchObject(newEvent(namespace, 'e', label));
      for (const field of ['reason=Test', 'reportingController=test-controller', 'regarding.name=pod']) {
        expect(names(await cluster.of('events.k8s.io/v1/events').list({ ...selector, fieldSelector: field }))).toEqual([
          'e',
        ]);
      }
      expect((await events.list({ fieldSelector: 'reportingController=other' })).items).toEqual([]);
      expect((await cluster.of('v1/events', namespace).get('e'))['message']).toBe('This is a test event');
      // The note of an event of this group is immutable by now: what changes is the series.
      await expect(events.patch('e', 'strategic', { note: 'other' })).rejects.toMatchObject(invalid);
      const first = { count: 2, lastObservedTime: '2014-07-01T01:22:30.000000Z' };
      const patched = await events.patch('e', 'strategic', { series: first });
      expect(patched['series']).toEqual(first);
      const series = { count: 100, lastObservedTime: '2014-07-01T01:22:33.000000Z' };
      await events.replace({ ...patched, series } as Obj);
      expect((await events.get('e'))['series']).toEqual(series);
      await events.delete('e');
      expect((await events.list(selector)).items).toEqual([]);
    },
  );

  covers('[sig-instrumentation] Events API should delete a collection of events', async (cluster) => {
    const namespace = await cluster.namespace();
    const events = cluster.of('events.k8s.io/v1/events', namespace);
    for (const name of ['e1', 'e2', 'e3']) await events.create(newEvent(namespace, name, 'set'));
    expect(names(await events.list({ labelSelector: 'testevent-set=set' }))).toEqual(['e1', 'e2', 'e3']);
    await events.deleteCollection({ labelSelector: 'testevent-set=set' });
    expect((await events.list({ labelSelector: 'testevent-set=set' })).items).toEqual([]);
  });
});

describe('endpoints', () => {
  covers('[sig-network] Endpoints should test the lifecycle of an Endpoint', async (cluster) => {
    const namespace = await cluster.namespace();
    const endpoints = cluster.of('v1/endpoints', namespace);
    using watching = await endpoints.watch({ labelSelector: 'test-endpoint-static=true' });
    const subset = (ip: string, port: number): Draft => ({
      addresses: [{ ip }],
      ports: [{ name: 'http', port, protocol: 'TCP' }],
    });
    const labels = { 'test-endpoint-static': 'true' };
    const created = await endpoints.create(
      make('v1', 'Endpoints', { name: 'e', labels }, { subsets: [subset('10.0.0.24', 80)] }),
    );
    await watching.event('ADDED', 'e');
    const all = await cluster.of('v1/endpoints').list({ labelSelector: 'test-endpoint-static=true' });
    expect(all.items.some(({ metadata }) => metadata.namespace === namespace)).toBe(true);
    await endpoints.replace(labelled(created, { 'test-service': 'updated' }));
    const updated = await watching.event('MODIFIED', 'e');
    expect(updated.object.metadata.labels).toEqual({ ...labels, 'test-service': 'updated' });
    const patch = { metadata: { labels: { 'test-service': 'patched' } }, subsets: [subset('10.0.0.25', 8080)] };
    await endpoints.patch('e', 'strategic', patch);
    expect(await endpoints.get('e')).toMatchObject(patch);
    await endpoints.deleteCollection({ labelSelector: 'test-endpoint-static=true' });
    await watching.event('DELETED', 'e');
    await expect(endpoints.get('e')).rejects.toMatchObject({ code: 404 });
  });
});

describe('leases', () => {
  covers('[sig-node] Lease lease API should be available', async (cluster) => {
    const leases = cluster.of('coordination.k8s.io/v1/leases', await cluster.namespace());
    const spec = {
      holderIdentity: 'holder',
      leaseDurationSeconds: 30,
      acquireTime: '2026-01-02T03:04:05.000006Z',
      renewTime: '2026-01-02T03:04:10.000000Z',
      leaseTransitions: 0,
    };
    const created = await leases.create(make('coordination.k8s.io/v1', 'Lease', { name: 'l' }, { spec }));
    expect((await leases.get('l'))['spec']).toEqual(spec);
    const changed = { ...spec, holderIdentity: 'holder2', leaseDurationSeconds: 60, leaseTransitions: 1 };
    await leases.replace({ ...created, spec: changed } as Obj);
    expect((await leases.get('l'))['spec']).toEqual(changed);
    const patch = { spec: { holderIdentity: 'holder3', leaseTransitions: 2 } };
    await leases.patch('l', 'strategic', patch);
    expect((await leases.get('l'))['spec']).toEqual({ ...changed, ...patch.spec });
    for (const name of ['l2', 'l3']) {
      await leases.create(
        make('coordination.k8s.io/v1', 'Lease', { name, labels: { deletecollection: 'true' } }, { spec }),
      );
    }
    expect(names(await leases.list())).toEqual(['l', 'l2', 'l3']);
    await leases.deleteCollection({ labelSelector: 'deletecollection=true' });
    expect(names(await leases.list())).toEqual(['l']);
    await leases.delete('l');
    await expect(leases.get('l')).rejects.toMatchObject({ code: 404, reason: 'NotFound' });
  });
});

describe('limit ranges', () => {
  const resources = (cpu: string, memory: string, storage: string): Draft => ({
    cpu,
    memory,
    'ephemeral-storage': storage,
  });
  const limitRange = (name: string, label = 'x'): Draft =>
    make(
      'v1',
      'LimitRange',
      { name, labels: { limitrange: label } },
      {
        spec: {
          limits: [
            {
              type: 'Container',
              min: resources('50m', '100Mi', '100Gi'),
              max: resources('500m', '500Mi', '500Gi'),
              default: resources('500m', '500Mi', '500Gi'),
              defaultRequest: resources('100m', '200Mi', '200Gi'),
            },
          ],
        },
      },
    );
  const pod = (name: string, wants?: Draft): Draft =>
    make('v1', 'Pod', { name }, { spec: { containers: [{ ...containers[0], resources: wants ?? {} }] } });
  const given = (object: Obj): Draft =>
    (object['spec'] as { containers: { resources: Draft }[] }).containers[0]!.resources;

  covers(
    '[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.',
    async (cluster: Cluster) => {
      const namespace = await cluster.namespace();
      const ranges = cluster.of('v1/limitranges', namespace);
      const pods = cluster.of('v1/pods', namespace);
      using watching = await ranges.watch();
      const created = await ranges.create(limitRange('limits'));
      await watching.event('ADDED', 'limits');
      expect(created).toMatchObject(limitRange('limits'));
      expect(given(await pods.create(pod('plain')))).toEqual({
        requests: resources('100m', '200Mi', '200Gi'),
        limits: resources('500m', '500Mi', '500Gi'),
      });
      const partial = {
        requests: { cpu: '300m' },
        limits: { cpu: '300m', memory: '500Mi' },
      };
      expect(given(await pods.create(pod('partial', partial)))).toEqual({
        requests: resources('300m', '500Mi', '200Gi'),
        limits: resources('300m', '500Mi', '500Gi'),
      });
      const little = { requests: resources('10m', '50Mi', '50Gi') };
      await expect(pods.create(pod('little', little))).rejects.toMatchObject({ code: 403, reason: 'Forbidden' });
      const much = { requests: resources('600m', '600Mi', '600Gi'), limits: resources('600m', '600Mi', '600Gi') };
      await expect(pods.create(pod('much', much))).rejects.toMatchObject({ code: 403, reason: 'Forbidden' });
      const spec = structuredClone(created['spec']) as { limits: { min: Draft; max: Draft }[] };
      spec.limits[0]!.min = resources('9m', '49Mi', '49Gi');
      spec.limits[0]!.max = resources('1', '1Gi', '1000Gi');
      const updated = await ranges.replace({ ...created, spec } as Obj);
      expect(updated['spec']).toEqual(spec);
      await pods.create(pod('little', little));
      await pods.create(pod('much', much));
      await ranges.delete('limits', { gracePeriodSeconds: 30 });
      await watching.event('DELETED', 'limits');
      expect(given(await pods.create(pod('free')))).toEqual({});
    },
  );

  covers('[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection', async (cluster) => {
    const first = await cluster.namespace();
    const second = await cluster.namespace();
    const label = unique('e2e');
    const everywhere = cluster.of('v1/limitranges');
    const selector = { labelSelector: `limitrange=${label}` };
    for (const namespace of [first, second]) {
      await cluster.of('v1/limitranges', namespace).create(limitRange(`range-${namespace}`, label));
    }
    expect((await everywhere.list(selector)).items).toHaveLength(2);
    const patch = {
      metadata: { labels: { 'e2e-patched': 'true' } },
      spec: { limits: [{ type: 'Container', min: resources('40m', '100Mi', '100Gi') }] },
    };
    const ranges = cluster.of('v1/limitranges', first);
    const patched = await ranges.patch(`range-${first}`, 'strategic', patch);
    expect(patched.metadata.labels).toMatchObject({ 'e2e-patched': 'true' });
    expect(patched['spec']).toMatchObject({ limits: [{ min: { cpu: '40m' } }] });
    await ranges.deleteCollection({ labelSelector: `${selector.labelSelector},e2e-patched=true` });
    const left = (await everywhere.list(selector)).items;
    expect(left.map(({ metadata }) => metadata.namespace)).toEqual([second]);
  });
});
