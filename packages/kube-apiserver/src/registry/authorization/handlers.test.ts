import { describe, expect, it } from 'vitest';
import { testRequest } from '../../authentication/testing/requests.ts';
import type { AuthorizationAttributes, Authorizer } from '../../authorization/authorizer.ts';
import { authorizationHandlers } from './handlers.ts';

const seen: AuthorizationAttributes[] = [];
const authorizer: Authorizer = {
  authorize(attributes) {
    seen.push(attributes);
    const decision = attributes.verb === 'get' ? 'allow' : attributes.verb === 'delete' ? 'deny' : 'no-opinion';
    return { decision, reason: decision === 'no-opinion' ? '' : `because of ${attributes.user.name}` };
  },
  rulesFor: () => ({
    resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: [] }],
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
    incomplete: true,
    evaluationError: 'oh',
  }),
};

async function create(resource: string, body: object, namespace = '') {
  const handler = authorizationHandlers(authorizer)[`authorization.k8s.io/${resource}`]!;
  const result = await handler(testRequest({ body, info: { namespace } }));
  if (result.type !== 'object') throw new Error(result.type);
  return result.object as { status: unknown; kind: string };
}

const pods = { namespace: 'ns', verb: 'get', resource: 'pods' };

describe('access reviews', () => {
  it.each([
    ['get', { allowed: true, reason: 'because of joe' }],
    ['delete', { allowed: false, denied: true, reason: 'because of joe' }],
    ['list', { allowed: false }],
  ])('answer %s for somebody', async (verb, status) => {
    const review = await create('subjectaccessreviews', {
      spec: { user: 'joe', groups: ['g'], resourceAttributes: { ...pods, verb } },
    });
    expect(review).toMatchObject({ kind: 'SubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', status });
    expect(seen.at(-1)).toMatchObject({
      user: { name: 'joe', groups: ['g'] },
      isResourceRequest: true,
      resource: 'pods',
      namespace: 'ns',
    });
  });

  it('answer for the caller', async () => {
    const review = await create('selfsubjectaccessreviews', {
      metadata: { creationTimestamp: null },
      spec: { nonResourceAttributes: { path: '/x', verb: 'get' } },
    });
    expect(review.status).toEqual({ allowed: true, reason: 'because of jane' });
    expect(seen.at(-1)).toMatchObject({ isResourceRequest: false, path: '/x' });
  });

  it('pass selectors on', async () => {
    const fieldSelector = { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] };
    const labelSelector = { rawSelector: 'a in (b,c)' };
    await create('selfsubjectaccessreviews', {
      spec: { resourceAttributes: { ...pods, fieldSelector, labelSelector } },
    });
    expect(seen.at(-1)).toMatchObject({ fieldSelector: 'spec.nodeName=n1', labelSelector: 'a in (b,c)' });
  });

  it.each<[string, string, object, string]>([
    [
      'no attributes',
      'selfsubjectaccessreviews',
      { spec: {} },
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'both attributes',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: pods, nonResourceAttributes: {} } },
      'cannot be specified in combination with resourceAttributes',
    ],
    [
      'nobody',
      'subjectaccessreviews',
      { spec: { resourceAttributes: pods } },
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'metadata',
      'subjectaccessreviews',
      { metadata: { name: 'x' }, spec: { user: 'u', resourceAttributes: pods } },
      'must be empty',
    ],
    [
      'another namespace',
      'localsubjectaccessreviews',
      { spec: { user: 'u', resourceAttributes: { ...pods, namespace: 'other' } } },
      'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    ],
    [
      'a path in a namespace',
      'localsubjectaccessreviews',
      { spec: { user: 'u', nonResourceAttributes: { path: '/x' } } },
      'disallowed on this kind of request',
    ],
    [
      'two selectors',
      'selfsubjectaccessreviews',
      {
        spec: {
          resourceAttributes: {
            ...pods,
            fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] },
          },
        },
      },
      'may not specified at the same time as requirements',
    ],
    [
      'no selector',
      'selfsubjectaccessreviews',
      { spec: { resourceAttributes: { ...pods, labelSelector: {} } } },
      'requirements or rawSelector is required',
    ],
  ])('refuse %s', async (_, resource, body, text) => {
    await expect(create(resource, body, resource.startsWith('local') ? 'ns' : '')).rejects.toThrow(text);
  });

  it('are local to their namespace', async () => {
    expect(
      (await create('localsubjectaccessreviews', { spec: { user: 'u', resourceAttributes: pods } }, 'ns')).status,
    ).toMatchObject({ allowed: true });
    await expect(create('localsubjectaccessreviews', { metadata: { namespace: 'x' }, spec: {} }, 'ns')).rejects.toThrow(
      'does not match the namespace sent on the request',
    );
  });
});

it('answers creations only, at its own paths', async () => {
  const handler = authorizationHandlers(authorizer)['authorization.k8s.io/subjectaccessreviews']!;
  await expect(handler(testRequest({ info: { verb: 'get' } }))).rejects.toThrow(
    'the server does not allow this method',
  );
  await expect(handler(testRequest({ info: { namespace: 'ns' } }))).rejects.toThrow(
    'could not find the requested resource',
  );
});

describe('rules reviews', () => {
  it('list the rules of the caller', async () => {
    expect((await create('selfsubjectrulesreviews', { spec: { namespace: 'ns' } })).status).toEqual({
      resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }],
      incomplete: true,
      evaluationError: 'oh',
    });
    await expect(create('selfsubjectrulesreviews', { spec: {} })).rejects.toThrow('no namespace on request');
  });
});
