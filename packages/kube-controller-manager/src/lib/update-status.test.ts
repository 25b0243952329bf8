import { describe, expect, it } from 'vitest';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure } from '@kubets/apimachinery/status';
import { updateStatus } from './update-status.ts';

const object = (resourceVersion: string, uid = 'u'): ApiObject => ({
  metadata: { name: 'a', uid, resourceVersion },
  status: { old: true },
});

function server(latest: ApiObject, conflicts: number) {
  const sent: ApiObject[] = [];
  const client = {
    get: async () => latest,
    updateStatus: async (update: ApiObject) => {
      sent.push(update);
      if (conflicts-- > 0) throw failure('Conflict', 'too late');
      return update;
    },
  };
  return { client, sent };
}

describe('updateStatus', () => {
  it('is tried again on what the server has', async () => {
    const { client, sent } = server(object('7'), 2);
    await updateStatus(client, object('1'), { fresh: true });
    expect(sent.map(({ metadata }) => metadata.resourceVersion)).toEqual(['1', '7', '7']);
    expect(sent.every(({ status }) => JSON.stringify(status) === '{"fresh":true}')).toBe(true);
  });

  it('gives up after five tries, and before another object of the name', async () => {
    const often = server(object('7'), 99);
    await expect(updateStatus(often.client, object('1'), {})).rejects.toThrow('too late');
    expect(often.sent).toHaveLength(5);
    const other = server(object('7', 'another'), 1);
    await expect(updateStatus(other.client, object('1'), {})).rejects.toThrow('too late');
    expect(other.sent).toHaveLength(1);
  });
});
