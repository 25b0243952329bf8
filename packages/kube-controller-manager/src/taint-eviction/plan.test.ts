import { describe, expect, it } from 'vitest';
import type { Taint, Toleration } from '@kubets/api/types/core-v1';
import { noExecuteTaints, verdict } from './plan.ts';

const taint = (key: string): Taint => ({ key, effect: 'NoExecute' });
const tolerates = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
});
const stay = { type: 'stay' };
const leave = { type: 'leave' };

describe('verdict', () => {
  it.each([
    ['no taint', [], undefined, stay],
    ['not tolerated', [taint('a')], undefined, leave],
    ['one of two not tolerated', [taint('a'), taint('b')], [tolerates('a')], leave],
    ['tolerated for ever', [taint('a')], [tolerates('a')], stay],
    ['tolerated for a time', [taint('a')], [tolerates('a', 300)], { type: 'leaveAfter', ms: 300_000 }],
    [
      'least time',
      [taint('a'), taint('b')],
      [tolerates('a', 300), tolerates('b', 5)],
      { type: 'leaveAfter', ms: 5000 },
    ],
    ['first toleration', [taint('a')], [tolerates('a'), tolerates('a', 5)], stay],
    ['no time', [taint('a')], [tolerates('a', -1)], { type: 'leaveAfter', ms: 0 }],
    [
      'one for ever, one for a time',
      [taint('a'), taint('b')],
      [tolerates('a'), tolerates('b', 7)],
      { type: 'leaveAfter', ms: 7000 },
    ],
  ] as const)('%s', (_, taints, tolerations, expected) => {
    expect(verdict(taints, tolerations as Toleration[] | undefined)).toEqual(expected);
  });

  it('looks at NoExecute only', () => {
    const node = { metadata: {}, spec: { taints: [taint('a'), { key: 'b', effect: 'NoSchedule' as const }] } };
    expect(noExecuteTaints(node)).toEqual([taint('a')]);
  });
});
