import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest, StatusError, type Status } from '@kubets/apimachinery/status';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody, type DecodeBodyOptions, type DecodedBody } from './decode-body.ts';
import { kindInfo } from './scheme.ts';

const deployment: GroupVersionKind = { group: 'apps', version: 'v1', kind: 'Deployment' };
const pod: GroupVersionKind = { group: '', version: 'v1', kind: 'Pod' };
const utf8 = new TextEncoder();

function decode(body: string | Uint8Array, options: Partial<DecodeBodyOptions> = {}): DecodedBody {
  const bytes = typeof body === 'string' ? utf8.encode(body) : body;
  return decodeBody(bytes, { gvk: deployment, contentType: 'application/json', fieldValidation: 'Strict', ...options });
}

function refusal(body: string | Uint8Array, options: Partial<DecodeBodyOptions> = {}): Status {
  try {
    decode(body, options);
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error('accepted');
}

/** What a document is refused with; a 400 when it is not refused at all. */
function errorOf(body: string | Uint8Array, options: Partial<DecodeBodyOptions>): unknown {
  try {
    decode(body, options);
    return newBadRequest('');
  } catch (error) {
    return error;
  }
}

const head = 'Deployment in version "v1" cannot be handled as a Deployment: ';
const unrecognized = 'the object provided is unrecognized (must be of type Deployment): ';

describe('decodeBody', () => {
  it('fills in kind and apiVersion', () => {
    const { object } = decode('{"metadata":{"name":"x"}}');
    expect(Object.keys(object).slice(0, 3)).toEqual(['kind', 'apiVersion', 'metadata']);
    expect(object).toMatchObject({ kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'x' } });
  });

  it.each([
    [
      '{"spec":{"replicas":"3"}}',
      `${head}json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`,
    ],
    ['{"spec":{"foo":1},"bar":2}', `${head}strict decoding error: unknown field "spec.foo", unknown field "bar"`],
    ['{"spec":{"replicas":1,"replicas":2}}', `${head}strict decoding error: duplicate field "spec.replicas"`],
    ['{"a":', `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input ({"a":)`],
    ['', `${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`],
    [
      'nope',
      `${unrecognized}couldn't get version/kind; json parse error: invalid character 'o' in literal null (expecting 'u') (6e6f7065)`,
    ],
    [
      '{"kind":5}',
      `${unrecognized}couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})`,
    ],
    ['{"apiVersion":"a/b/c"}', `${unrecognized}unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})`],
    [
      '{"apiVersion":"v1","kind":"Service"}',
      'Service in version "v1" cannot be handled as a Deployment: converting (v1.Service) to (apps.Deployment): unknown conversion',
    ],
    [
      '{"apiVersion":"apps/v9","kind":"Deployment"}',
      'Deployment in version "v9" cannot be handled as a Deployment: no kind "Deployment" is registered for version "apps/v9" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
    ],
  ])('refuses %s', (body, message) => {
    expect(refusal(body)).toMatchObject({ code: 400, reason: 'BadRequest', message });
  });

  it('refuses another version of the same kind', () => {
    const gvk = { group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler' };
    expect(refusal('{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler"}', { gvk }).message).toBe(
      'the API version in the data (autoscaling/v2) does not match the expected API version (autoscaling/v1)',
    );
  });

  it('warns or keeps silent when told to', () => {
    const body = '{"spec":{"foo":1,"replicas":1,"replicas":2}}';
    const warned = decode(body, { fieldValidation: 'Warn' });
    expect(warned.warnings).toEqual(['unknown field "spec.foo"', 'duplicate field "spec.replicas"']);
    expect(warned.object['spec']).toMatchObject({ replicas: 2 });
    expect(decode(body, { fieldValidation: 'Ignore' }).warnings).toEqual([]);
  });

  it('reads YAML', () => {
    const body = 'metadata:\n  name: x\nspec:\n  replicas: 2\n  replicas: 3\n';
    expect(decode(body, { contentType: 'application/yaml', fieldValidation: 'Ignore' }).object['spec']).toMatchObject({
      replicas: 3,
    });
    expect(refusal(body, { contentType: 'application/yaml' }).message).toBe(
      `${head}strict decoding error: yaml: unmarshal errors:\n  line 5: key "replicas" already set in map`,
    );
  });

  it('reads protobuf', () => {
    const info = kindInfo(deployment);
    const bytes = info!.encodeProtobuf(decode('{"metadata":{"name":"x"},"spec":{"replicas":0}}').object);
    const { object } = decode(bytes, { contentType: 'application/vnd.kubernetes.protobuf' });
    expect(object).toMatchObject({ kind: 'Deployment', metadata: { name: 'x' }, spec: { replicas: 0 } });
    expect(refusal('{}', { contentType: 'application/vnd.kubernetes.protobuf' })).toMatchObject({ code: 400 });
  });

  it('refuses other media types', () => {
    expect(refusal('{}', { contentType: 'text/plain' })).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  it('takes media types with parameters', () => {
    expect(decode('{}', { contentType: 'application/json; charset=utf-8' }).warnings).toEqual([]);
  });

  it('takes options of any group version', () => {
    const gvk = { group: '', version: 'v1', kind: 'DeleteOptions' };
    const { object } = decode('{"apiVersion":"apps/v1","kind":"DeleteOptions","propagationPolicy":"Orphan"}', { gvk });
    expect(object).toMatchObject({ propagationPolicy: 'Orphan' });
  });

  it('sets defaults, and still finds repeated fields', () => {
    const body = '{"spec":{"containers":[{"name":"a","image":"nginx"}]}}';
    const { object } = decode(body, { gvk: pod, defaults: true });
    expect(object).toMatchObject({ spec: { dnsPolicy: 'ClusterFirst', containers: [{ imagePullPolicy: 'Always' }] } });
    const twice = '{"spec":{"nodeName":"a","nodeName":"b","containers":[]}}';
    expect(refusal(twice, { gvk: pod, defaults: true }).message).toContain('duplicate field "spec.nodeName"');
  });

  it('answers hostile documents with 400', () => {
    const hostile = [
      `${'['.repeat(200_000)}`,
      `{"spec":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      '{"__proto__":{"x":1}}',
      'null',
      '"x"',
      '1e999',
    ];
    for (const body of hostile) {
      for (const contentType of ['application/json', 'application/yaml']) {
        expect((errorOf(body, { contentType, defaults: true }) as StatusError).status.code).toBe(400);
      }
    }
  });

  it('refuses deep nesting wherever it is, without running out of stack', () => {
    const deep = (n: number): string => `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`;
    for (const fieldValidation of ['Strict', 'Ignore'] as const) {
      const job = { group: 'batch', version: 'v1', kind: 'Job' };
      const labels = `{"spec":{"template":{"metadata":{"labels":${deep(9000)}}}}}`;
      expect(refusal(labels, { gvk: job, fieldValidation, defaults: true }).code).toBe(400);
      const revision = { group: 'apps', version: 'v1', kind: 'ControllerRevision' };
      expect(refusal(`{"data":${deep(20_000)}}`, { gvk: revision, fieldValidation }).message).toContain(
        'exceeded max depth',
      );
      expect(decode(`{"data":${deep(1000)}}`, { gvk: revision, fieldValidation }).warnings).toEqual([]);
      const crd = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition' };
      const schema = `${'{"properties":{"a":'.repeat(4900)}{}${'}}'.repeat(4900)}`;
      const body = `{"spec":{"versions":[{"schema":{"openAPIV3Schema":${schema}}}]}}`;
      expect((errorOf(body, { gvk: crd, fieldValidation }) as StatusError).status.code).toBe(400);
    }
  });

  it('never throws anything but Status errors', () => {
    const names = [
      'spec',
      'metadata',
      'containers',
      'resources',
      'limits',
      'ports',
      'volumes',
      'name',
      'labels',
      'kind',
      'hostNetwork',
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom('', 'a', '1m'),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('map'),
        tie('map'),
      ),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      map: fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 6 }),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom('Strict', 'Warn', 'Ignore'), (value, fieldValidation) => {
        expect(errorOf(JSON.stringify(value), { gvk: pod, fieldValidation, defaults: true })).toBeInstanceOf(
          StatusError,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('never throws anything but Status errors for broken protobuf', () => {
    const good = kindInfo(pod)!.encodeProtobuf(
      decode('{"metadata":{"name":"x"},"spec":{"containers":[{"name":"a"}]}}', { gvk: pod }).object,
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(good.length),
        (changes, end) => {
          const bytes = good.slice(0, end);
          for (const [at, byte] of changes) bytes[at] = byte;
          expect(errorOf(bytes, { gvk: pod, contentType: 'application/vnd.kubernetes.protobuf' })).toBeInstanceOf(
            StatusError,
          );
        },
      ),
      { numRuns: 1000 },
    );
  });
});
