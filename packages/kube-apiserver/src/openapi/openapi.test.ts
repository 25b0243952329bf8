import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { definitionOf, type TypeDefinition } from '@kubets/api/openapi/definitions';
import { servedResources } from '@kubets/api/resources';
import type { ApiResult } from '../server/types.ts';
import { loadDescriptions, noDescriptions, type Descriptions } from './descriptions.ts';
import { documentKey } from './document-v3.ts';
import { openApiHandler } from './openapi-handler.ts';
import { OpenApiService } from './openapi-service.ts';
import { operationDescription, tagOf } from './operation-text.ts';
import { pathDefinitions } from '@kubets/api/openapi/paths';

type Bytes = Extract<ApiResult, { type: 'bytes' }>;

const descriptions: Descriptions = {
  types: {
    'io.k8s.api.core.v1.Container': { '': 'A container.', ports: 'Its ports.' },
    'io.k8s.api.core.v1.PodSpec': { '': 'What a pod runs.' },
  },
  parameters: { pretty: 'Pretty.' },
};

const service = new OpenApiService({ version: 'v1.36.2', descriptions: () => descriptions });
const handler = openApiHandler(service);

function get(url: string, headers: Record<string, string> = {}): Bytes {
  const { pathname, searchParams } = new URL(url, 'http://server');
  return handler({ path: pathname, query: searchParams, headers, receivedAt: 0 }) as Bytes;
}

const parse = (result: Bytes) => JSON.parse(String(result.bytes));
const core = () => parse(get('/openapi/v3/api/v1'));

describe('definitions', () => {
  const file = join(import.meta.dirname, '../../../../../shared/reference/api-types.json');

  it.skipIf(!existsSync(file))('are those of the reference', () => {
    const wanted = (JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, TypeDefinition> })
      .definitions;
    for (const [name, definition] of Object.entries(wanted)) {
      const sorted = definition.required ? { ...definition, required: definition.required.toSorted() } : definition;
      expect([name, definitionOf(name)]).toEqual([name, sorted]);
    }
  });
});

describe('version 3', () => {
  it('indexes a document per group and version, with hashes', () => {
    const { paths } = parse(get('/openapi/v3'));
    const keys = Object.keys(paths);
    expect(keys).toEqual(keys.toSorted());
    expect(keys).toEqual(expect.arrayContaining(['api', 'api/v1', 'apis', 'apis/apps', 'apis/apps/v1', 'version']));
    expect(keys.filter((k) => k.includes('alpha') || k.startsWith('logs'))).toEqual([]);
    expect(keys).not.toContain('apis/resource.k8s.io/v1beta1');
    const url = paths['apis/apps/v1'].serverRelativeURL;
    expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
    expect(parse(get(url)).info).toEqual({ title: 'Kubernetes', version: 'v1.36.2' });
  });

  it('has the paths, operations and extensions that clients look for', () => {
    const { paths } = core();
    const pods = paths['/api/v1/namespaces/{namespace}/pods'];
    expect(pods.parameters).toEqual([
      { name: 'namespace', in: 'path', schema: { type: 'string', uniqueItems: true }, required: true },
    ]);
    expect(pods.post).toMatchObject({
      tags: ['core_v1'],
      description: 'create a Pod',
      operationId: 'createCoreV1NamespacedPod',
      requestBody: {
        content: { '*/*': { schema: { $ref: '#/components/schemas/io.k8s.api.core.v1.Pod' } } },
        required: true,
      },
      'x-kubernetes-action': 'post',
      'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'Pod' },
    });
    expect(pods.post.responses['401']).toEqual({ description: 'Unauthorized' });
    expect(pods.post.responses['201'].content['application/json'].schema.$ref).toMatch(/core\.v1\.Pod$/);
    // kubectl looks here before it leaves field validation to the server.
    const patch = paths['/api/v1/namespaces/{namespace}/pods/{name}'].patch;
    expect(patch.parameters.map((p: { name: string }) => p.name)).toContain('fieldValidation');
    expect(Object.keys(patch.requestBody.content)).toContain('application/apply-patch+yaml');
  });

  it('writes schemas with marks, defaults and descriptions', () => {
    const { schemas } = core().components;
    const container = schemas['io.k8s.api.core.v1.Container'];
    expect(container.description).toBe('A container.');
    expect(container.properties.ports).toEqual({
      description: 'Its ports.',
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-merge-key': 'containerPort',
      'x-kubernetes-patch-strategy': 'merge',
      items: { default: {}, allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ContainerPort' }] },
    });
    expect(schemas['io.k8s.api.core.v1.ContainerPort'].properties.protocol).toMatchObject({
      type: 'string',
      default: 'TCP',
      enum: ['SCTP', 'TCP', 'UDP'],
    });
    const pod = schemas['io.k8s.api.core.v1.Pod'];
    expect(pod['x-kubernetes-group-version-kind']).toEqual([{ group: '', version: 'v1', kind: 'Pod' }]);
    expect(pod.properties.spec).toEqual({
      description: 'What a pod runs.',
      default: {},
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
    });
    expect(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toEqual({
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    });
  });

  it.each([
    '/openapi/v3/api/v1',
    '/openapi/v3/apis/apps/v1',
    '/openapi/v3/apis/apiextensions.k8s.io/v1',
    '/openapi/v2',
  ])('%s refers to nothing that it does not have', (path) => {
    const document = parse(get(path));
    const names = new Set(Object.keys(document.definitions ?? document.components.schemas));
    const references = [
      ...JSON.stringify(document).matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]*)"/g),
    ];
    expect(references.length).toBeGreaterThan(20);
    expect(references.map((m) => m[1]!).filter((name) => !names.has(name))).toEqual([]);
  });

  it('caches by hash, and sends old hashes to the new document', () => {
    const { hash } = service.document('apis/apps/v1')!;
    const current = get(`/openapi/v3/apis/apps/v1?hash=${hash}`);
    expect(current.headers).toEqual({
      etag: `"${hash}"`,
      vary: 'Accept',
      'cache-control': 'public, immutable',
      expires: 'Fri, 01 Jan 1971 00:00:00 GMT',
    });
    expect(get('/openapi/v3/apis/apps/v1', { 'if-none-match': `"${hash}"` }).status).toBe(304);
    const old = get('/openapi/v3/apis/apps/v1?hash=OLD');
    expect([old.status, old.headers!['location']]).toEqual([301, `/openapi/v3/apis/apps/v1?hash=${hash}`]);
  });

  it('knows no other documents, and no other formats', () => {
    expect(get('/openapi/v3/apis/none/v1')).toBeUndefined();
    expect(get('/openapi')).toBeUndefined();
    expect(() => get('/openapi/v3', { accept: 'text/html' })).toThrow('only the following media types are accepted');
    expect(get('/openapi/v3', { accept: 'text/html, */*;q=0.1' }).status).toBe(200);
  });

  it('takes documents of groups that come and go', () => {
    const own = new OpenApiService({ version: 'v1', descriptions: () => noDescriptions, served: [] });
    const before = own.index().hash;
    own.setDocument('apis/example.com/v1', () => ({ openapi: '3.0.0' }));
    expect(String(own.document('apis/example.com/v1')?.bytes)).toBe('{"openapi":"3.0.0"}');
    expect(own.index().hash).not.toBe(before);
    own.removeDocument('apis/example.com/v1');
    expect(own.document('apis/example.com/v1')).toBeUndefined();
    expect(own.index().hash).toBe(before);
  });
});

describe('version 2', () => {
  it('is one document, without defaults', () => {
    const document = parse(get('/openapi/v2'));
    expect(document.swagger).toBe('2.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/v1/pods', '/apis/apps/v1/deployments', '/version/']),
    );
    expect(document.definitions['io.k8s.api.core.v1.ContainerPort'].properties.protocol).toEqual({
      type: 'string',
      enum: ['SCTP', 'TCP', 'UDP'],
    });
    expect(document.definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toEqual({
      type: 'string',
      format: 'int-or-string',
    });
    expect(document.definitions['io.k8s.api.core.v1.Pod'].properties.spec.$ref).toBe(
      '#/definitions/io.k8s.api.core.v1.PodSpec',
    );
    const [body] = document.paths['/api/v1/namespaces/{namespace}/pods'].post.parameters;
    expect(body).toEqual({
      name: 'body',
      in: 'body',
      required: true,
      schema: { $ref: '#/definitions/io.k8s.api.core.v1.Pod' },
    });
  });

  it('is told as protobuf under a valid media type', () => {
    const result = get('/openapi/v2', { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' });
    expect(result.contentType).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    const document = fields(result.bytes as Buffer);
    expect(String(document.get(1)![0])).toBe('2.0');
    const definitions = named(fields(document.get(9)![0]!).get(1)!);
    const json = parse(get('/openapi/v2'));
    expect([...definitions.keys()]).toEqual(Object.keys(json.definitions));
    const container = fields(definitions.get('io.k8s.api.core.v1.Container')!);
    expect(String(container.get(4)![0])).toBe('A container.');
    expect(container.get(19)!.map(String)).toEqual(['name']);
    const ports = fields(named(fields(container.get(25)![0]!).get(1)!).get('ports')!);
    expect(ports.get(31)!.map((x) => String(fields(x).get(1)![0]))).toContain('x-kubernetes-list-map-keys');
    const items = fields(fields(ports.get(23)![0]!).get(1)![0]!);
    expect(String(items.get(1)![0])).toBe('#/definitions/io.k8s.api.core.v1.ContainerPort');
    const paths = named(fields(document.get(8)![0]!).get(2)!);
    expect([...paths.keys()]).toEqual(Object.keys(json.paths));
    const list = fields(fields(paths.get('/api/v1/pods')!).get(2)![0]!);
    expect(String(list.get(5)![0])).toBe('listCoreV1PodForAllNamespaces');
  });
});

/** Field number to raw values; enough of a decoder for what is written. */
function fields(bytes: Buffer): Map<number, Buffer[]> {
  const out = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const size = (tag & 7) === 2 ? varint() : 0;
    const start = at;
    if ((tag & 7) === 0) varint();
    else at += size;
    const list = out.get(tag >>> 3) ?? [];
    list.push(bytes.subarray(start, at));
    out.set(tag >>> 3, list);
  }
  expect(at).toBe(bytes.length);
  return out;
}

function named(entries: readonly Buffer[]): Map<string, Buffer> {
  return new Map(entries.map((entry) => [String(fields(entry).get(1)![0]), fields(entry).get(2)![0]!]));
}

describe('texts', () => {
  it.each([
    ['/api/', 'core'],
    ['/api/v1/pods', 'core_v1'],
    ['/apis/', 'apis'],
    ['/apis/apps/', 'apps'],
    ['/apis/rbac.authorization.k8s.io/v1/roles', 'rbacAuthorization_v1'],
    ['/apis/flowcontrol.apiserver.k8s.io/v1/', 'flowcontrolApiserver_v1'],
    ['/version/', 'version'],
    ['/.well-known/openid-configuration/', 'WellKnown'],
  ])('the tag of %s is %s', (path, tag) => {
    expect(tagOf(path)).toBe(tag);
  });

  it.each([
    ['/api/v1/namespaces/{namespace}/pods/{name}/status', 'patch', 'partially update status of the specified Pod'],
    ['/api/v1/namespaces/{namespace}/pods/{name}/exec', 'get', 'connect GET requests to exec of Pod'],
    ['/api/v1/namespaces/{namespace}/pods/{name}/eviction', 'post', 'create eviction of a Pod'],
    ['/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses', 'post', 'create an Ingress'],
    ['/apis/apps/v1/', 'get', 'get available resources'],
  ])('%s %s: %s', (path, method, text) => {
    const operation = pathDefinitions()
      .find((p) => p.path === path)!
      .operations.find((o) => o.method === method)!;
    expect(operationDescription(path, operation)).toBe(text);
  });

  it('no operation goes without one', () => {
    const silent = pathDefinitions().filter(
      (p) => !p.path.startsWith('/logs') && p.operations.some((o) => operationDescription(p.path, o) === ''),
    );
    expect(silent.map((p) => p.path)).toEqual([]);
  });

  it('every served resource has its paths', () => {
    const paths = new Set(pathDefinitions().map((p) => p.path));
    const missing = servedResources().filter((r) => {
      const root = r.group === '' ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
      return !paths.has(`${root}${r.namespaced ? '/namespaces/{namespace}' : ''}/${r.resource}`);
    });
    expect(missing.map((r) => r.resource)).toEqual([]);
  });

  it('groups paths into documents', () => {
    expect(
      [
        '/api/',
        '/api/v1/pods',
        '/apis/',
        '/apis/apps/',
        '/apis/apps/v1/deployments',
        '/openid/v1/jwks/',
        '/logs/{logpath}',
      ].map(documentKey),
    ).toEqual(['api', 'api/v1', 'apis', 'apis/apps', 'apis/apps/v1', 'openid/v1/jwks', 'logs']);
  });

  it('reads descriptions from the first place that has them, and does without', () => {
    expect(loadDescriptions(['/nonexistent/a.json'])).toBe(noDescriptions);
    expect(() => loadDescriptions([import.meta.filename])).toThrow(SyntaxError);
  });
});
