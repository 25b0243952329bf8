/**
 * Every object of the reference's test data (each kind once, all fields set) sent to a running API
 * server, as JSON, YAML and protobuf. Their values are placeholders, so most are refused by semantic
 * validation; then the three forms have to be refused for the same reasons, which only validation
 * gives: everything was decoded, and no field was unknown. What is accepted has to come back whole.
 * (That the codecs lose nothing of any fixture is tested in `packages/api/src/fixtures.test.ts`.)
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApiVersion, type ApiObject } from '@kubets/apimachinery/meta';
import { encodeYaml } from '@kubets/apimachinery/codec/yaml';
import { servedResources, type ResourceInfo } from '@kubets/api/resources';
import { kindInfo } from '@kubets/api/scheme';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig, type Answer } from './harness/api-client.ts';
import { KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

const folder = join(import.meta.dirname, '../../shared/reference/testdata/api');
const present = existsSync(folder);

/** Kinds that no POST to a resource creates. Their codecs are tested, their endpoints elsewhere. */
const notCreatable: ReadonlyMap<string, string> = new Map([
  ['autoscaling/v1 Scale', 'a subresource of workloads'],
  ['policy/v1 Eviction', 'a subresource of pods'],
  ['authentication.k8s.io/v1 TokenRequest', 'a subresource of service accounts'],
  ['v1 ComponentStatus', 'read only'],
  ['v1 PodStatusResult', 'only decoded, for old clients'],
  ['v1 RangeAllocation', 'stored by the allocators, never served'],
  ['v1 SerializedReference', 'the value of an annotation'],
  ['v1 APIGroup', 'discovery'],
  ['v1 APIVersions', 'discovery'],
  ['v1 Status', 'an answer'],
  ...['Create', 'Delete', 'Get', 'List', 'Patch', 'Update'].map((o) => [`v1 ${o}Options`, 'query parameters'] as const),
  ...['NodeProxy', 'PodAttach', 'PodExec', 'PodLog', 'PodPortForward', 'PodProxy', 'ServiceProxy'].map(
    (o) => [`v1 ${o}Options`, 'query parameters of a connection'] as const,
  ),
]);

interface Fixture {
  readonly name: string;
  readonly object: ApiObject & Record<string, unknown>;
  readonly resource: ResourceInfo | undefined;
}

const resources = servedResources();

/** References to objects, names and bookkeeping are placeholders that no server accepts on creation. */
function creatable(object: Fixture['object']): Fixture['object'] {
  const { labels, annotations } = object.metadata;
  return { ...object, metadata: { name: 'fixture', labels, annotations } as ApiObject['metadata'] };
}

function read(file: string): Fixture {
  const object = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Fixture['object'];
  const gv = parseApiVersion(object.apiVersion ?? '');
  const resource = resources.find(
    (r) => r.kind === object.kind && r.group === gv?.group && r.version === gv.version && r.verbs.includes('create'),
  );
  return { name: `${object.apiVersion} ${object.kind}`, object, resource };
}

const all = present
  ? readdirSync(folder)
      .filter((f) => f.endsWith('.json'))
      .map(read)
  : [];
const served = all.filter((f): f is Fixture & { resource: ResourceInfo } => f.resource !== undefined);

/** Paths of all leaves, with their values. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}/${key}`));
}

/** What the server decides on creation, by kind; `status` always. */
const reset: ReadonlyMap<string, RegExp> = new Map([
  ['v1 Namespace', /^\/spec\/finalizers/],
  ['v1 Secret', /^\/stringData/],
  // References keep the name only.
  ['v1 ServiceAccount', /^\/secrets\/\d+\/(?!name$)/],
  // Of the feature CoordinatedLeaderElection, which is off by default.
  ['coordination.k8s.io/v1 Lease', /^\/spec\/(strategy|preferredHolder)$/],
]);

function lost(fixture: Fixture, answered: object): string[] {
  const got = new Map(leaves(answered));
  const ignored = reset.get(fixture.name);
  return leaves(fixture.object)
    .filter(([path]) => !path.startsWith('/metadata/') && !path.startsWith('/status') && ignored?.test(path) !== true)
    .filter(([path, value]) => got.get(path) !== value)
    .map(([path]) => path);
}

/** Refused by admission already: it needs a service account that there is none of. */
const forbidden: ReadonlySet<string> = new Set(['v1 Pod']);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: KubetsProcess;
let client: ApiClient;

async function send(fixture: Fixture & { resource: ResourceInfo }): Promise<Answer[]> {
  const { group, version, resource, namespaced } = fixture.resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const path = `${root}${namespaced ? '/namespaces/default' : ''}/${resource}?dryRun=All&fieldValidation=Strict`;
  const body = creatable(fixture.object);
  const info = kindInfo({ group, version, kind: fixture.resource.kind });
  if (info === undefined) throw new Error(`no codec for ${fixture.name}`);
  const forms: [string, string | Buffer][] = [
    ['application/json', JSON.stringify(body)],
    ['application/yaml', encodeYaml(body)],
    ['application/vnd.kubernetes.protobuf', Buffer.from(info.encodeProtobuf(body))],
  ];
  return Promise.all(
    forms.map(([contentType, text]) => client.send({ method: 'POST', path, contentType, body: text })),
  );
}

const bodyOf = (answer: Answer): Record<string, unknown> =>
  JSON.parse(answer.body.toString()) as Record<string, unknown>;

describe.skipIf(!present)('fixtures', () => {
  beforeAll(async () => {
    directory = await temporaryDirectory();
    server = await KubetsProcess.start(join(directory.path, 'data'));
    client = await ApiClient.connect(readKubeconfig(server.kubeconfig));
  });

  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  it('are created, or are of a kind that is known not to be', () => {
    const versions = new Set(resources.map((r) => `${r.group}/${r.version}`));
    const left = all.filter(({ object, resource }) => {
      const gv = parseApiVersion(object.apiVersion ?? '');
      return resource === undefined && versions.has(`${gv?.group}/${gv?.version}`);
    });
    expect(left.map((f) => f.name).filter((name) => !notCreatable.has(name))).toEqual([]);
    expect(served.length).toBeGreaterThan(60);
  });

  it.each(served.map((fixture) => [fixture.name, fixture] as const))('%s', async (_name, fixture) => {
    const answers = await send(fixture);
    expect(answers.map((a) => a.status)).toEqual(Array.from({ length: 3 }, () => answers[0]?.status));
    const created = answers.filter((answer) => answer.status === 201).map(bodyOf);
    expect(created.flatMap((object) => lost(fixture, object))).toEqual([]);
    const refused = answers.filter((answer) => answer.status !== 201).map(bodyOf);
    const reason = forbidden.has(fixture.name) ? 'Forbidden' : 'Invalid';
    expect(refused.filter((status) => status['kind'] !== 'Status' || status['reason'] !== reason)).toEqual([]);
    expect(refused).toEqual(refused.map(() => refused[0]));
  });
});
