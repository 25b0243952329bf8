import { describe, expect, it } from 'vitest';
import type { CronJob, CronJobSpec, CronJobStatus } from '@kubets/api/types/batch-v1';
import { planStart } from './plan.ts';

const at = (text: string): number => Date.parse(`2026-01-01T${text}Z`);

function cronJob(spec: Partial<CronJobSpec>, status: CronJobStatus = {}): CronJob {
  return {
    metadata: { name: 'c', namespace: 'default', creationTimestamp: '2026-01-01T09:00:30Z' },
    spec: { schedule: '0 * * * *', timeZone: 'UTC', jobTemplate: {}, ...spec },
    status,
  };
}

const running = { kind: 'Job', namespace: 'default', name: 'c-1', uid: 'u1' };

describe('planStart', () => {
  it.each<[string, CronJob, string, { at?: string; requeue?: number; reasons?: string[]; replace?: number }]>([
    ['nothing is due yet', cronJob({}), '09:30:00', { requeue: 30 * 60 }],
    ['the first start', cronJob({}), '10:00:00', { at: '10:00:00', requeue: 60 * 60 }],
    ['a late one', cronJob({}), '10:20:00', { at: '10:00:00', requeue: 40 * 60 }],
    ['of several missed ones the last', cronJob({}), '13:20:00', { at: '13:00:00', requeue: 40 * 60 }],
    [
      'within the deadline',
      cronJob({ startingDeadlineSeconds: 1800 }),
      '13:20:00',
      { at: '13:00:00', requeue: 40 * 60 },
    ],
    ['past the deadline', cronJob({ startingDeadlineSeconds: 600 }), '13:20:00', { requeue: 40 * 60 }],
    ['done already', cronJob({}, { lastScheduleTime: '2026-01-01T10:00:00Z' }), '10:00:10', { requeue: 3590 }],
    ['suspended', cronJob({ suspend: true }), '10:00:00', {}],
    ['an unknown zone', cronJob({ timeZone: 'Mars/X' }), '10:00:00', { reasons: ['UnknownTimeZone'] }],
    ['no schedule', cronJob({ schedule: 'x' }), '10:00:00', { reasons: ['UnparseableSchedule'] }],
    ['never due', cronJob({ schedule: '0 0 31 2 *' }), '10:00:00', { reasons: ['InvalidSchedule'] }],
    [
      'a zone in the schedule',
      cronJob({ schedule: 'TZ=UTC 0 * * * *' }),
      '09:30:00',
      { requeue: 1800, reasons: ['UnsupportedSchedule'] },
    ],
    [
      'too many missed',
      cronJob({ schedule: '* * * * *' }),
      '13:00:30',
      { at: '13:00:00', requeue: 30, reasons: ['TooManyMissedTimes'] },
    ],
    [
      'forbidden',
      cronJob({ concurrencyPolicy: 'Forbid' }, { active: [running] }),
      '10:00:00',
      { requeue: 3600, reasons: ['JobAlreadyActive'] },
    ],
    [
      'replaced',
      cronJob({ concurrencyPolicy: 'Replace' }, { active: [running] }),
      '10:00:00',
      { at: '10:00:00', requeue: 3600, replace: 1 },
    ],
  ])('%s', (_, observed, now, expected) => {
    const start = planStart(observed, at(now));
    expect(start.at).toBe(expected.at === undefined ? undefined : at(expected.at));
    expect(start.requeueMs).toBe(expected.requeue === undefined ? undefined : expected.requeue * 1000 + 100);
    expect(start.events.map(({ reason }) => reason)).toEqual(expected.reasons ?? []);
    expect(start.replace).toHaveLength(expected.replace ?? 0);
  });

  it('starts nothing that is older than the deadline', () => {
    const observed = cronJob({ schedule: '0,1 * * * *', startingDeadlineSeconds: 90 });
    expect(planStart(observed, at('10:02:45')).at).toBeUndefined();
  });
});
