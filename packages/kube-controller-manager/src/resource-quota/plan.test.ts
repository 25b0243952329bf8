import { describe, expect, it } from 'vitest';
import { amountsOf } from '@kubets/api/core/helpers/quota/resource-list';
import type { ResourceQuota } from '@kubets/api/types/core-v1';
import { countedResources, plannedStatus } from './plan.ts';

const quota = (hard: Record<string, string>, status?: ResourceQuota['status']): ResourceQuota => ({
  metadata: { name: 'q', namespace: 'ns' },
  spec: { hard },
  ...(status && { status }),
});

describe('plannedStatus', () => {
  const hard = { pods: '5', 'requests.cpu': '2' };

  it.each<[string, ResourceQuota, Record<string, string>, boolean, object | undefined]>([
    ['the first time', quota(hard), { pods: '1', 'requests.cpu': '0' }, false, { pods: '1', 'requests.cpu': '0' }],
    [
      'nothing new, said otherwise',
      quota(hard, { hard, used: { pods: '1', 'requests.cpu': '1' } }),
      { pods: '1', 'requests.cpu': '1000m' },
      false,
      undefined,
    ],
    ['less', quota({ pods: '5' }, { hard: { pods: '5' }, used: { pods: '3' } }), { pods: '1' }, false, { pods: '1' }],
    [
      'less, unsettled',
      quota({ pods: '5' }, { hard: { pods: '5' }, used: { pods: '3' } }),
      { pods: '1' },
      true,
      undefined,
    ],
    [
      'more, unsettled',
      quota({ pods: '5' }, { hard: { pods: '5' }, used: { pods: '3' } }),
      { pods: '4' },
      true,
      { pods: '4' },
    ],
    [
      'another limit',
      quota({ pods: '6' }, { hard: { pods: '5' }, used: { pods: '3' } }),
      { pods: '3' },
      false,
      { pods: '3' },
    ],
    [
      'one that could not be counted',
      quota(hard, { hard, used: { pods: '1', 'requests.cpu': '1' } }),
      { pods: '2' },
      false,
      { pods: '2', 'requests.cpu': '1' },
    ],
    [
      'one that is limited no more',
      quota({ pods: '5' }, { hard, used: { pods: '1', 'requests.cpu': '1' } }),
      {},
      false,
      { pods: '1' },
    ],
  ])('%s', (_name, object, observed, raiseOnly, used) => {
    expect(plannedStatus(object, amountsOf(observed), { raiseOnly })?.used).toEqual(used);
  });
});

describe('countedResources', () => {
  it('groups names by what they count', () => {
    const names = { pods: '1', cpu: '1', secrets: '1', 'count/jobs.batch': '1', nonsense: '1' };
    expect(countedResources(quota(names))).toEqual([
      { group: '', resource: 'pods', names: ['pods', 'cpu'] },
      { group: '', resource: 'secrets', names: ['secrets'] },
      { group: 'batch', resource: 'jobs', names: ['count/jobs.batch'] },
    ]);
  });
});
