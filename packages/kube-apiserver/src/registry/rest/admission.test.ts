import { newForbidden } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { AdmissionChain } from '../../admission/chain.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission/plugin.ts';
import { ApiFixture } from '../testing/api-fixture.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';

/** Notes what it is asked, marks what it sees, and refuses objects that say so. */
class Witness implements AdmissionPlugin {
  readonly name = 'Witness';
  readonly log: string[] = [];
  readonly seen: AdmissionAttributes[] = [];

  handles(): boolean {
    return true;
  }

  async admit(attributes: AdmissionAttributes): Promise<void> {
    this.log.push(`admit ${attributes.operation} ${attributes.name}`);
    this.seen.push(attributes);
    const { object } = attributes;
    if (object !== undefined) object.metadata.annotations = { ...object.metadata.annotations, mutated: 'yes' };
  }

  validate(attributes: AdmissionAttributes): void {
    this.log.push(`validate ${attributes.operation} ${attributes.name}`);
    const object = attributes.object ?? attributes.oldObject;
    attributes.warn('seen');
    if (object?.metadata.labels?.['refuse'] === attributes.operation) {
      throw newForbidden({ group: '', resource: 'configmaps' }, attributes.name, 'no');
    }
  }
}

async function open(): Promise<{ api: ApiFixture; witness: Witness }> {
  const witness = new Witness();
  return { witness, api: await ApiFixture.open({ chain: new AdmissionChain([witness]) }) };
}

describe('admission', () => {
  it('sees every write, and changes objects before they are stored', async () => {
    const { api, witness } = await open();
    await using _api = api;
    const created = await api.call('POST', configMaps, { body: { metadata: { name: 'a' } } });
    expect(created.object.metadata.annotations).toEqual({ mutated: 'yes' });
    expect(created.warnings).toEqual(['seen']);
    await api.ok('PATCH', `${configMaps}/a?dryRun=All`, { contentType: merge, body: { data: { k: 'v' } } });
    await api.ok('DELETE', `${configMaps}/a`, { body: { propagationPolicy: 'Background' } });
    expect(witness.log).toEqual([
      'admit CREATE a',
      'validate CREATE a',
      'admit UPDATE a',
      'validate UPDATE a',
      'admit DELETE a',
      'validate DELETE a',
    ]);
    expect(witness.seen[1]).toMatchObject({
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      namespace: 'default',
      dryRun: true,
      options: { kind: 'PatchOptions', dryRun: ['All'] },
      user: { name: 'admin' },
    });
    expect(witness.seen[1]?.oldObject?.['data']).toBeUndefined();
    expect(witness.seen[2]).toMatchObject({ object: undefined, options: { propagationPolicy: 'Background' } });
  });

  it('refuses writes, which then leave no trace', async () => {
    const { api } = await open();
    await using _api = api;
    const body = (refuse: string): object => ({ metadata: { name: 'a', labels: { refuse } } });
    const refused = await api.call('POST', configMaps, { body: body('CREATE') });
    expect(refused.object).toMatchObject({ message: 'configmaps "a" is forbidden: no', code: 403 });
    expect(await api.storage.currentRevision()).toBe(0);
    await api.ok('POST', configMaps, { body: body('DELETE') });
    expect((await api.call('PUT', `${configMaps}/a`, { body: body('UPDATE') })).status).toBe(403);
    expect((await api.call('DELETE', `${configMaps}/a`)).status).toBe(403);
    expect(await api.storage.currentRevision()).toBe(1);
  });

  it('asks whether an apply may create', async () => {
    const authorizer = { authorize: () => ({ decision: 'deny' as const, reason: 'not you', evaluationError: '' }) };
    await using api = await ApiFixture.open({ authorizer });
    const apply = await api.call('PATCH', `${configMaps}/a?fieldManager=me`, {
      contentType: 'application/apply-patch+yaml',
      text: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}',
    });
    expect(apply.object).toMatchObject({ message: 'configmaps "a" is forbidden: not you', code: 403 });
  });
});
