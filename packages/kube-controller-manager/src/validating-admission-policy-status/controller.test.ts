import { describe, expect, it } from 'vitest';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { validatingAdmissionPolicyStatusController } from './controller.ts';

describe('validating admission policy status', () => {
  it('follows the generation, and writes nothing else', async () => {
    await using fixture = await ControllerFixture.start([validatingAdmissionPolicyStatusController]);
    const policies = fixture.client.validatingAdmissionPolicies();
    await policies.create({
      metadata: { name: 'p' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        validations: [{ expression: 'true' }],
      },
    });
    await fixture.until(async () => (await policies.get('p')).status?.observedGeneration === 1);
    await policies.patch('p', {
      type: 'application/merge-patch+json',
      body: { spec: { validations: [{ expression: 'false' }] } },
    });
    await fixture.until(async () => (await policies.get('p')).status?.observedGeneration === 2);
    const { metadata } = await policies.get('p');
    await fixture.advance(5_000);
    expect((await policies.get('p')).metadata.resourceVersion).toBe(metadata.resourceVersion);
    expect(fixture.errors).toEqual([]);
  });
});
