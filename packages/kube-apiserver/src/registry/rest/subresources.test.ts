import type { ApiObject } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import { deprecationMetrics } from '../../metrics/deprecation-metrics.ts';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { ApiFixture } from '../testing/api-fixture.ts';

const merge = 'application/merge-patch+json';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

function deployment(name: string, replicas = 1): object {
  return { metadata: { name }, spec: { replicas, selector: { matchLabels: { app: 'a' } }, template } };
}

function pod(name: string, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, spec: template.spec };
}

describe('dispatch', () => {
  it.each([
    ['GET', '/api/v1/namespaces/default/unicorns', 404, 'the server could not find the requested resource'],
    ['GET', '/apis/apps/v9/deployments', 404, 'the server could not find the requested resource'],
    ['GET', '/api/v1/pods/a', 404, 'the server could not find the requested resource'],
    ['GET', '/api/v1/namespaces/default/nodes/n', 404, 'the server could not find the requested resource'],
    ['GET', `${pods}/a/unicorn`, 404, 'the server could not find the requested resource'],
    ['POST', '/api/v1/pods', 405, 'the server does not allow this method on the requested resource'],
    ['POST', `${pods}/a`, 405, 'the server does not allow this method on the requested resource'],
    ['DELETE', '/api/v1/namespaces', 405, 'the server does not allow this method on the requested resource'],
    ['DELETE', `${deployments}/a/status`, 405, 'the server does not allow this method on the requested resource'],
    ['GET', `${pods}/a`, 404, 'pods "a" not found'],
  ])('answers %s %s with %i', async (method, path, code, message) => {
    await using api = await ApiFixture.open();
    const answer = await api.call(method, path, { body: {} });
    expect(answer.object).toMatchObject({ kind: 'Status', status: 'Failure', message, code });
  });

  it('plugs in other resources and subresources', async () => {
    const handlers = {
      extraResources: { 'authentication.k8s.io/tokenreviews': () => bytes('review') },
      extraSubresources: { '/serviceaccounts/token': () => bytes('token') },
    };
    await using api = await ApiFixture.open({ handlers });
    const review = await api.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: {} });
    expect(review.result).toMatchObject({ bytes: 'review' });
    const token = await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/a/token', { body: {} });
    expect(token.result).toMatchObject({ bytes: 'token' });
  });
});

it('warns of deprecated kinds', async () => {
  await using api = await ApiFixture.open();
  for (const path of ['/api/v1/endpoints', '/api/v1/namespaces/default/endpoints/a']) {
    expect((await api.call('GET', path)).warnings).toEqual([
      'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    ]);
  }
});

it('measures the use of deprecated kinds, and of nothing else', async () => {
  const metrics = new MetricsRegistry();
  const onDeprecated = deprecationMetrics(metrics);
  await using api = await ApiFixture.open({ handlers: { onDeprecated } });
  const series = (): string[] => metrics.text().match(/^apiserver_requested_deprecated_apis.*$/gm) ?? [];
  const others = ['/api/v1/services', '/api/v2/endpoints', '/api/v1/namespaces/default/endpoints/a/unicorn'];
  for (const path of others) await api.call('GET', path);
  expect(series()).toEqual([]);
  for (const path of ['/api/v1/endpoints', '/api/v1/endpoints?watch=1&timeoutSeconds=1', '/api/v1/componentstatuses'])
    await api.call('GET', path);
  expect(series()).toEqual([
    'apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1',
    'apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1',
  ]);
});

it('leaves an empty kind out of the details of a patch that makes no object', async () => {
  await using api = await ApiFixture.open();
  await api.ok('POST', pods, { body: pod('p') });
  const contentType = 'application/merge-patch+json';
  const answer = await api.call('PATCH', `${pods}/p`, { contentType, text: '{"spec":{"containers":1}}' });
  expect(answer.object).toMatchObject({ code: 422, reason: 'Invalid' });
  expect(Object.keys(answer.object['details'] as object)).toEqual(['causes']);
});

it.each([
  [{ spec: { priority: 'x' } }, 'unrecognized type: int32'],
  [{ spec: { priority: 1.5 } }, 'cannot convert float64 to int32'],
  [{ spec: { nodeName: 1 } }, 'cannot convert int64 to string'],
  [{ spec: { hostNetwork: 'x' } }, 'unrecognized type: bool'],
  [{ spec: 'x' }, 'cannot restore struct from: string'],
  [{ spec: { nodeSelector: 'x' } }, 'cannot restore map from string'],
  [{ metadata: { labels: { a: true } } }, 'unrecognized type: string'],
])('words the type errors of the strategic merge patch %j as upstream', async (body, why) => {
  await using api = await ApiFixture.open();
  await api.ok('POST', pods, { body: pod('p') });
  const contentType = 'application/strategic-merge-patch+json';
  const answer = await api.call('PATCH', `${pods}/p`, { contentType, body });
  expect(answer.object['code']).toBe(422);
  expect(String(answer.object['message'])).toMatch(new RegExp(`": ${why}$`));
});

function bytes(text: string): { type: 'bytes'; status: number; contentType: string; bytes: string } {
  return { type: 'bytes', status: 200, contentType: 'text/plain', bytes: text };
}

describe('status', () => {
  it('and spec leave each other alone', async () => {
    await using api = await ApiFixture.open();
    const crds = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
    const spec = { priorityLevelConfiguration: { name: 'x' }, matchingPrecedence: 5 };
    const status = { conditions: [{ type: 'A', status: 'True' }] };
    const created = await api.ok('POST', crds, { body: { metadata: { name: 'a' }, spec, status } });
    expect(created['status']).toEqual({});
    expect(created.metadata.generation).toBe(1);
    const other = { ...spec, matchingPrecedence: 6 };
    const { resourceVersion } = created.metadata;
    const body = { metadata: { name: 'a', resourceVersion }, spec: other, status };
    const withStatus = await api.ok('PUT', `${crds}/a/status`, { body });
    expect(withStatus).toMatchObject({ metadata: { generation: 1 }, spec, status });
    const withSpec = await api.ok('PUT', `${crds}/a`, { body: { ...withStatus, spec: other, status: {} } });
    expect(withSpec).toMatchObject({ metadata: { generation: 2 }, spec: other, status });
    const shown = await api.ok('GET', `${crds}/a/status`);
    expect(shown).toEqual(withSpec);
  });
});

describe('scale', () => {
  it('is read, replaced and patched', async () => {
    await using api = await ApiFixture.open();
    const created = await api.ok('POST', deployments, { body: deployment('d', 2) });
    const scale = await api.ok('GET', `${deployments}/d/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'd', namespace: 'default', uid: created.metadata.uid, resourceVersion: '1' },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=a' },
    });
    const put = await api.ok('PUT', `${deployments}/d/scale`, { body: { ...scale, spec: { replicas: 5 } } });
    expect(put['spec']).toEqual({ replicas: 5 });
    const stale = await api.call('PUT', `${deployments}/d/scale`, { body: { ...scale, spec: { replicas: 6 } } });
    expect(stale.status).toBe(409);
    await api.ok('PATCH', `${deployments}/d/scale`, { contentType: merge, body: { spec: { replicas: 7 } } });
    const object = await api.ok('GET', `${deployments}/d`);
    expect(object['spec']).toMatchObject({ replicas: 7 });
    const owner = object.metadata.managedFields?.find((m) => m.subresource === 'scale');
    expect(owner?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  it('refuses negative numbers', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', deployments, { body: deployment('d') });
    const answer = await api.call('PATCH', `${deployments}/d/scale`, {
      contentType: merge,
      body: { spec: { replicas: -1 } },
    });
    expect(answer.object['message']).toBe(
      'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
  });

  it('is applied with ownership of the replicas', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', deployments, { body: deployment('d', 2) });
    const text = 'apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {name: d}\nspec: {replicas: 3}\n';
    const contentType = 'application/apply-patch+yaml';
    const conflict = await api.call('PATCH', `${deployments}/d/scale?fieldManager=me`, { contentType, text });
    expect(conflict.status).toBe(409);
    await api.ok('PATCH', `${deployments}/d/scale?fieldManager=me&force=true`, { contentType, text });
    const object = await api.ok('GET', `${deployments}/d`);
    expect(object['spec']).toMatchObject({ replicas: 3 });
    expect(object.metadata.managedFields?.some((m) => m.operation === 'Apply' && m.manager === 'me')).toBe(true);
  });
});

describe('binding', () => {
  it('leaves the fields in the order of the types', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', pods, { body: pod('p') });
    await api.ok('POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target: { name: 'n' } } });
    const object = await api.ok('GET', `${pods}/p`);
    const order = (o: unknown): string[] => Object.keys(o as object);
    const spec = order(object['spec']);
    expect(spec.indexOf('nodeName')).toBeLessThan(spec.indexOf('securityContext'));
    expect(order(object['status'])).toEqual(['phase', 'conditions', 'qosClass']);
  });

  it('takes the nomination from a pod that has got its node', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', pods, { body: pod('p') });
    const nominated = { status: { nominatedNodeName: 'm' } };
    await api.ok('PATCH', `${pods}/p/status`, { contentType: merge, body: nominated });
    expect((await api.ok('GET', `${pods}/p`))['status']).toMatchObject(nominated.status);
    await api.ok('POST', `${pods}/p/binding`, { body: { metadata: { name: 'p' }, target: { name: 'n' } } });
    const object = await api.ok('GET', `${pods}/p`);
    expect(object['status']).not.toHaveProperty('nominatedNodeName');
  });

  it('puts a pod on a node, once', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', pods, { body: pod('p') });
    const body = { metadata: { name: 'p', annotations: { a: 'b' } }, target: { kind: 'Node', name: 'n' } };
    const bound = await api.call('POST', `${pods}/p/binding`, { body });
    expect(bound.object).toMatchObject({ kind: 'Status', status: 'Success', code: 201 });
    expect(bound.status).toBe(201);
    const object = await api.ok('GET', `${pods}/p`);
    expect(object).toMatchObject({
      metadata: { annotations: { a: 'b' } },
      spec: { nodeName: 'n' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    const again = await api.call('POST', '/api/v1/namespaces/default/bindings', { body });
    expect(again.object['message']).toBe(
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"',
    );
    const missing = await api.call('POST', `${pods}/q/binding`, { body: { target: { name: 'n' } } });
    expect(missing.object['message']).toBe('pods "q" not found');
    const bad = await api.call('POST', `${pods}/p/binding`, { body: { target: { kind: 'Pod' } } });
    expect(bad.status).toBe(422);
  });
});

describe('eviction', () => {
  const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };

  async function withBudget(allowed: number): Promise<ApiFixture> {
    const api = await ApiFixture.open();
    for (const name of ['p', 'q']) {
      await api.ok('POST', pods, { body: pod(name, { labels: { app: 'a' } }) });
      await api.ok('PATCH', `${pods}/${name}/status`, { contentType: merge, body: running });
    }
    const spec = { selector: { matchLabels: { app: 'a' } }, minAvailable: 1 };
    await api.ok('POST', budgets, { body: { metadata: { name: 'b' }, spec } });
    const status = {
      observedGeneration: 9,
      disruptionsAllowed: allowed,
      currentHealthy: 2,
      desiredHealthy: 1,
      expectedPods: 2,
    };
    await api.ok('PATCH', `${budgets}/b/status`, { contentType: merge, body: { status } });
    return api;
  }

  it('takes from the budget until it is used up', async () => {
    await using api = await withBudget(1);
    expect((await api.call('POST', `${pods}/p/eviction`, { body: { metadata: { name: 'p' } } })).status).toBe(201);
    const budget = (await api.ok('GET', `${budgets}/b`)) as ApiObject & { status: Record<string, unknown> };
    expect(budget.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { p: '2026-01-01T00:00:00Z' } });
    const refused = await api.call('POST', `${pods}/q/eviction`, { body: { metadata: { name: 'q' } } });
    expect(refused.object).toMatchObject({
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      reason: 'TooManyRequests',
      details: {
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 2 currently' },
        ],
      },
      code: 429,
    });
  });

  it('needs no budget for pods that are done', async () => {
    await using api = await withBudget(0);
    await api.ok('PATCH', `${pods}/p/status`, { contentType: merge, body: { status: { phase: 'Succeeded' } } });
    expect((await api.call('POST', `${pods}/p/eviction`, { body: {} })).status).toBe(201);
    expect((await api.call('POST', `${pods}/r/eviction`, { body: {} })).status).toBe(404);
  });
});

describe('what needs a node', () => {
  it('is refused clearly', async () => {
    await using api = await ApiFixture.open();
    await api.ok('POST', pods, { body: pod('p') });
    expect((await api.call('GET', `${pods}/p/log`)).status).toBe(204);
    expect((await api.call('GET', `${pods}/p/log?container=x`)).object['message']).toBe(
      'container x is not valid for pod p',
    );
    expect((await api.call('POST', `${pods}/p/exec?command=ls`)).object['message']).toBe(
      'pod p does not have a host assigned',
    );
    await api.ok('POST', `${pods}/p/binding`, { body: { target: { name: 'n' } } });
    expect((await api.call('GET', `${pods}/p/log`)).status).toBe(503);
    expect((await api.call('GET', '/api/v1/nodes/n/proxy/x')).status).toBe(404);
  });
});

describe('versions', () => {
  it('events are seen in both groups', async () => {
    await using api = await ApiFixture.open();
    const event = { metadata: { name: 'e' }, involvedObject: { namespace: 'default', kind: 'Pod' }, reason: 'R' };
    await api.ok('POST', '/api/v1/namespaces/default/events', { body: event });
    const other = await api.ok('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e');
    expect(other).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      metadata: { name: 'e' },
      regarding: { kind: 'Pod' },
    });
    const hpa = {
      metadata: { name: 'h' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 },
    };
    const hpas = 'namespaces/default/horizontalpodautoscalers';
    const old = { ...hpa, spec: { ...hpa.spec, targetCPUUtilizationPercentage: 50 } };
    await api.ok('POST', `/apis/autoscaling/v1/${hpas}`, { body: old });
    const stored = await api.ok('GET', `/apis/autoscaling/v2/${hpas}/h`);
    expect(stored['spec']).toMatchObject({ metrics: [{ resource: { name: 'cpu' } }] });
    const list = await api.ok('GET', `/apis/autoscaling/v1/${hpas}`);
    expect(list['items']).toMatchObject([
      { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } },
    ]);
    const watch = await api.watch(`/apis/autoscaling/v1/${hpas}?watch=true`);
    expect(watch.take(1)).toMatchObject([{ entry: { object: { apiVersion: 'autoscaling/v1' } } }]);
  });

  it('events vanish after an hour', async () => {
    await using api = await ApiFixture.open();
    const event = { metadata: { name: 'e' }, involvedObject: { namespace: 'default', kind: 'Pod' }, reason: 'R' };
    await api.ok('POST', '/api/v1/namespaces/default/events', { body: event });
    api.clock.advance(3_700_000);
    expect((await api.call('GET', '/api/v1/namespaces/default/events/e')).status).toBe(404);
  });
});
