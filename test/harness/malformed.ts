/** A corpus of requests that are wrong in one way each, made from a seed. */

export interface BadRequest {
  /** What is wrong, for the report. */
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Mulberry32: small, and the same on every machine. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Pick = <T>(values: readonly T[]) => T;
type Maker = (pick: Pick, random: () => number) => BadRequest;

const pods = '/api/v1/namespaces/default/pods';
const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const goodPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'bad', labels: { app: 'x' } },
  spec: {
    containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } }],
  },
};
const goodPodText = JSON.stringify(goodPod);

const wrongValues: readonly unknown[] = [
  1,
  -1,
  1.5,
  1e308,
  true,
  'text',
  [],
  [[]],
  {},
  { a: { b: [] } },
  [{}],
  '\u0000',
  'é'.repeat(300),
];

const post = (what: string, path: string, body: string | Buffer, contentType = 'application/json'): BadRequest => ({
  what,
  method: 'POST',
  path,
  body,
  contentType,
});

/** All places of an object, as paths of keys. */
function places(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return [at, ...value.flatMap((v, i) => places(v, [...at, i]))];
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([k, v]) => places(v, [...at, k]))];
}

function replaced(value: unknown, at: readonly (string | number)[], by: unknown): unknown {
  const [head, ...rest] = at;
  if (head === undefined) return by;
  if (Array.isArray(value)) return value.map((v, i) => (i === head ? replaced(v, rest, by) : v));
  return { ...(value as object), [head]: replaced((value as Record<string, unknown>)[head], rest, by) };
}

const typeOf = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);

function valueAt(value: unknown, at: readonly (string | number)[]): unknown {
  return at.reduce<unknown>((v, key) => (v as Record<string | number, unknown>)[key], value);
}

/** A pod with one value of another type somewhere (a string in place of a string could be fine). */
const wrongType: Maker = (pick) => {
  const at = pick(places(goodPod).slice(1));
  const old = typeOf(valueAt(goodPod, at));
  // A quantity may be a number, an empty list is none at all.
  const by = pick(wrongValues.filter((v) => typeOf(v) !== old && !(at.includes('limits') && typeof v === 'number')));
  return post(
    `wrong type at ${at.join('.')}: ${JSON.stringify(by)?.slice(0, 20)}`,
    `${pods}?fieldValidation=Strict`,
    JSON.stringify(replaced(goodPod, at, by)),
  );
};

const truncated: Maker = (_, random) => {
  const length = 1 + Math.floor(random() * (goodPodText.length - 2));
  return post(`JSON cut at ${length}`, pods, goodPodText.slice(0, length));
};

const garbled: Maker = (pick, random) => {
  const at = Math.floor(random() * goodPodText.length);
  const by = pick(['\u0000', '\\', '\u0001', '}', ']', ',', '{"']);
  const text = goodPodText.slice(0, at) + by + goodPodText.slice(at);
  return isJson(text) ? truncated(pick, random) : post(`JSON with ${JSON.stringify(by)} at ${at}`, pods, text);
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const brokenYaml: Maker = (pick) =>
  post(
    'broken YAML',
    pods,
    pick(['a: [', '\t- x', 'a: b: c', '{{', '? !!', '&a *b', 'x: "\\q"', '--- \n...\n%', `a: ${'['.repeat(500)}`]),
    'application/yaml',
  );

const deep: Maker = (pick, random) => {
  const depth = 200 + Math.floor(random() * 20_000);
  const [open, close] = pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const);
  return post(
    `nested ${depth} deep`,
    pods,
    `{"apiVersion":"v1","kind":"Pod","metadata":${open.repeat(depth)}1${close.repeat(depth)}}`,
  );
};

const giantKey: Maker = (_, random) =>
  post(
    'giant key',
    `${maps}?fieldValidation=Strict`,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'g' },
      ['k'.repeat(1000 + Math.floor(random() * 100_000))]: 1,
    }),
  );

const giantName: Maker = (pick, random) =>
  post(
    'giant name',
    maps,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { [pick(['name', 'generateName'])]: 'A'.repeat(300 + Math.floor(random() * 5000)) },
    }),
  );

const tooLarge: Maker = () => post('body over 3 MiB', maps, Buffer.alloc(3 * 1024 * 1024 + 10, 0x20));

const wrongContentType: Maker = (pick) =>
  post(
    'wrong content type',
    pods,
    goodPodText,
    pick(['text/html', 'application/xml', 'image/png', ';;', 'application/json-patch+json', 'a'.repeat(2000)]),
  );

const wrongPatch: Maker = (pick) => {
  const [contentType, body] = pick([
    ['application/json-patch+json', '{"op":"add"}'],
    ['application/json-patch+json', '[{"op":"nothing","path":"/a"}]'],
    ['application/json-patch+json', '[{"op":"add"}]'],
    ['application/json-patch+json', '[{"op":"remove","path":"/not/there"}]'],
    ['application/json-patch+json', '[{"op":"replace","path":"","value":7}]'],
    ['application/json-patch+json', '[{"op":"test","path":"/data","value":{"no":"1"}}]'],
    ['application/merge-patch+json', '[1]'],
    ['application/merge-patch+json', '"text"'],
    ['application/merge-patch+json', '{"data":7}'],
    ['application/merge-patch+json', '{"metadata":{"name":"other"}}'],
    ['application/merge-patch+json', '{"metadata":{"resourceVersion":"1"}}'],
    ['application/strategic-merge-patch+json', '[]'],
    ['application/strategic-merge-patch+json', '{"data":[]}'],
    ['application/strategic-merge-patch+json', '{"metadata":{"ownerReferences":[{"kind":"X"}]}}'],
    ['application/strategic-merge-patch+json', '{"$patch":"nothing"}'],
    ['application/apply-patch+yaml', 'a: b'],
    ['application/apply-patch+yaml', '[]'],
    ['application/apply-patch+yaml', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}'],
    [
      'application/apply-patch+yaml',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target","managedFields":[{"manager":"x"}]}}',
    ],
    ['text/plain', '{}'],
    ['application/merge-patch+json', '{"a"'],
  ] as const);
  const query = contentType.includes('apply') ? pick(['?fieldManager=t', `?fieldManager=${'x'.repeat(129)}`]) : '';
  return { what: `bad patch ${body}`, method: 'PATCH', path: `${maps}/target${query}`, body, contentType };
};

const badSelector: Maker = (pick) => {
  const value = encodeURIComponent(
    pick([
      'a in',
      'a in (',
      '!!',
      '=',
      'a==b==c',
      'a notin b',
      `${'k'.repeat(64)}=v`,
      'k=v v',
      '-a',
      'a,,b',
      'a in (b',
      'x/y/z=1',
      'a>b',
    ]),
  );
  return { what: `label selector ${value}`, method: 'GET', path: `${pods}?labelSelector=${value}` };
};

const badFieldSelector: Maker = (pick) => {
  const value = encodeURIComponent(
    pick(['spec.colour=red', 'a', 'metadata.name>1', 'metadata.name', 'status.phase=a\\', '=x', 'metadata.labels=1']),
  );
  return { what: `field selector ${value}`, method: 'GET', path: `${pods}?fieldSelector=${value}` };
};

const badVersion: Maker = (pick) => {
  const value = encodeURIComponent(
    pick(['abc', '-1', '1.5', '0x10', '99999999999999999999999', ' 1', '1e3', 'Infinity', '18446744073709551616']),
  );
  const query = pick(['', '&watch=1', '&limit=1', '&resourceVersionMatch=Exact']);
  return { what: `resourceVersion ${value}${query}`, method: 'GET', path: `${maps}?resourceVersion=${value}${query}` };
};

const badQuery: Maker = (pick) => {
  const query = pick([
    'resourceVersionMatch=Exact',
    'resourceVersionMatch=Nearly&resourceVersion=1',
    'resourceVersion=0&resourceVersionMatch=Exact',
    'continue=garbage',
    `continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../../x"}').toString('base64url')}`,
    `continue=${Buffer.from('{"v":"other","rv":1,"start":"x"}').toString('base64url')}`,
    'limit=abc',
    'timeoutSeconds=x',
    'watch=1&sendInitialEvents=true',
    'sendInitialEvents=true',
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
    'watch=1&resourceVersionMatch=NotOlderThan',
    'resourceVersion=5&sendInitialEvents=false',
    `timeout=${'9'.repeat(40)}h`,
    'timeout=soon',
    'limit=9223372036854775808',
    'limit=0x10',
    'timeoutSeconds=1e9',
    `continue=${'A'.repeat(5000)}`,
    `continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":9e99,"start":"x"}').toString('base64url')}`,
    `continue=${Buffer.from('{"__proto__":{"v":"meta.k8s.io/v1","rv":1,"start":"x"}}').toString('base64url')}`,
  ]);
  return { what: `query ${query}`, method: 'GET', path: `${maps}?${query}` };
};

const badWriteQuery: Maker = (pick) => {
  const query = pick([
    'dryRun=Some',
    'fieldValidation=Perhaps',
    `fieldManager=${'m'.repeat(129)}`,
    'fieldManager=%00',
    'dryRun=All&dryRun=None',
  ]);
  return post(
    `write query ${query}`,
    `${maps}?${query}`,
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'q' } }),
  );
};

const badPath: Maker = (pick, random) => {
  const path = pick([
    '/api/v1/namespaces/default/pods/..%2f..%2fsecrets',
    '/api/v1/namespaces/../pods/x',
    '/api/v1/namespaces/default/pods/%00',
    '/api/v1/namespaces/default/pods/%ff',
    '/api/v1/namespaces/default/pods/a%2fb',
    '/api/v1/namespaces/default/pods/a/b/c/d',
    '/api/v1/namespaces/default/nothing',
    '/api/v2/pods',
    '/apis/nothing.example/v1/things',
    '/apis/apps/v9/deployments',
    '/api/v1/namespaces/default/pods/x/nothing',
    '/api//v1//pods/x',
    '/api/v1/namespaces/%20/pods/x',
    '/api/v1/namespaces/default/pods/X_Y',
    '/nothing/at/all',
    '/api/v1/pods/name-without-namespace',
    '/api/v1/namespaces/default/nodes/x',
    `/api/v1/namespaces/default/pods/${'p'.repeat(1000 + Math.floor(random() * 3000))}`,
  ]);
  return { what: `path ${path.slice(0, 80)}`, method: 'GET', path };
};

const badMethod: Maker = (pick) => {
  const [method, path] = pick([
    ['POST', `${pods}/x`],
    ['PUT', pods],
    ['PATCH', pods],
    ['PUT', '/api/v1/pods'],
    ['POST', '/api/v1/componentstatuses'],
    ['BREW', pods],
    ['DELETE', '/api/v1/namespaces'],
    ['PATCH', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
    ['GET', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
    ['DELETE', `${pods}/not-there`],
  ] as const);
  return { what: `${method} ${path}`, method, path, body: '{}' };
};

const wrongObject: Maker = (pick) => {
  const body = pick([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } },
    { apiVersion: 'v2', kind: 'Deployment', metadata: { name: 'x' } },
    { apiVersion: 'apps/v1', kind: 'Nothing', metadata: { name: 'x' } },
    { kind: 'Deployment', apiVersion: 'apps/v1' },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: 'other' } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: {} },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', resourceVersion: '5' } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', labels: { 'a b': '' } } },
    { apiVersion: 'a/b/c', kind: 'Deployment', metadata: { name: 'x' } },
    [],
    'text',
    7,
    true,
  ] as const);
  return post(`object ${JSON.stringify(body).slice(0, 60)}`, deployments, JSON.stringify(body));
};

const badHeader: Maker = (pick) => {
  const [name, value] = pick([
    ['accept', 'image/png'],
    ['accept', 'application/json;as=Nothing;v=v1;g=meta.k8s.io'],
    ['accept', 'application/vnd.kubernetes.protobuf;as=Table;v=v9;g=meta.k8s.io'],
    ['impersonate-extra-__proto__', '1'],
    ['impersonate-group', 'nobody'],
    ['impersonate-uid', '1'],
    ['impersonate-extra-x', '1'],
  ] as const);
  return { what: `${name}: ${value.slice(0, 60)}`, method: 'GET', path: maps, headers: { [name]: value } };
};

const binary: Maker = (pick, random) => {
  const bytes = Buffer.from(Array.from({ length: 10 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
  const [contentType, prefix] = pick([
    ['application/vnd.kubernetes.protobuf', Buffer.from('k8s\0')],
    ['application/vnd.kubernetes.protobuf', Buffer.alloc(0)],
    ['application/json', Buffer.from('{')],
  ] as const);
  return post(`${contentType} of noise`, pods, Buffer.concat([prefix, bytes]), contentType);
};

const longUrl: Maker = (_, random) => ({
  what: 'long URL',
  method: 'GET',
  path: `${maps}?labelSelector=${'%2C'.repeat(1000 + Math.floor(random() * 2000))}`,
});

const makers: readonly (readonly [Maker, number])[] = [
  [wrongType, 20],
  [truncated, 12],
  [garbled, 10],
  [brokenYaml, 4],
  [deep, 2],
  [giantKey, 1],
  [giantName, 2],
  [wrongContentType, 4],
  [wrongPatch, 8],
  [badSelector, 6],
  [badFieldSelector, 4],
  [badVersion, 5],
  [badQuery, 6],
  [badWriteQuery, 3],
  [badPath, 6],
  [badMethod, 5],
  [wrongObject, 6],
  [badHeader, 4],
  [binary, 4],
  [longUrl, 1],
];

/** `count` bad requests; the same ones for the same seed. */
export function malformedRequests(count: number, seed: number): BadRequest[] {
  const random = seeded(seed);
  const pick: Pick = (values) => {
    const value = values[Math.floor(random() * values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  };
  const weighted = makers.flatMap(([maker, weight]) => Array.from({ length: weight }, () => maker));
  const requests = Array.from({ length: count }, () => pick(weighted)(pick, random));
  // Three megabytes each: a few are enough.
  return [...requests, ...Array.from({ length: 5 }, () => tooLarge(pick, random))];
}
