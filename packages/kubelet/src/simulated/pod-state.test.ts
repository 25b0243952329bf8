import type { Pod } from '@kubets/api/types/core-v1';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, dueOf, newProgress, progressOfPod, stop, type PodContext, type Progress } from './pod-state.ts';
import { phaseOf, podStatus } from './pod-status.ts';
import { behaviourOf, readStages } from './stages.ts';

const base = Date.UTC(2026, 0, 1);
const seconds = (n: number): number => base + n * 1000;

function contextOf(stage: object, spec: object = {}, metadata: object = {}): PodContext {
  const pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', generation: 1, ...metadata },
    spec: { containers: [{ name: 'c', image: 'nginx' }], ...spec },
  } as Pod;
  const stages = readStages({ stages: [{ create: '0s', ...stage }] });
  return { pod, behaviour: behaviourOf(pod, stages, () => undefined), random: systemRandom };
}

const at = (context: PodContext, second: number): Progress =>
  advance(newProgress(context, base), context, seconds(second));

/** The status as it would be at that second, in short. */
function shown(context: PodContext, second: number): string {
  const status = podStatus(context.pod, at(context, second), { hostIP: '1.1.1.1', podIPs: [], now: seconds(second) });
  const [container] = status.containerStatuses ?? [];
  const [kind = ''] = Object.keys(container?.state ?? {});
  const reason = container?.state?.waiting?.reason ?? container?.state?.terminated?.exitCode ?? '';
  return `${status.phase} ${kind} ${reason} restarts=${container?.restartCount} ${status.reason ?? ''}`.trimEnd();
}

describe('pod states', () => {
  it('crash loops pause longer and longer, up to five minutes', () => {
    const context = contextOf({ run: '1s', exitCodes: [1] });
    const starts: number[] = [];
    let progress = newProgress(context, base);
    for (let i = 0; i < 200 && starts.length < 9; i++) {
      progress = advance(progress, context, dueOf(progress, context.pod));
      if (progress.state.type === 'running' && starts.at(-1) !== progress.state.startedAt)
        starts.push(progress.state.startedAt);
    }
    const pauses = starts.slice(1).map((start, i) => (start - (starts[i] ?? 0)) / 1000 - 1);
    expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  });

  it.each([
    ['Always', '0', 1, 'Running running  restarts=1'],
    ['OnFailure', '0', 1, 'Succeeded terminated 0 restarts=0'],
    ['OnFailure', '2', 2, 'Running waiting CrashLoopBackOff restarts=1'],
    ['Never', '2', 1, 'Failed terminated 2 restarts=0'],
    ['Never', '0', 1, 'Succeeded terminated 0 restarts=0'],
  ])('restartPolicy %s, exit code %s', (restartPolicy, exitCodes, second, expected) => {
    expect(shown(contextOf({ run: '1s', exitCodes }, { restartPolicy }), second)).toBe(expected);
  });

  it('ends at its deadline, whatever it does', () => {
    const context = contextOf({}, { activeDeadlineSeconds: 5 });
    expect(shown(context, 4)).toBe('Running running  restarts=0');
    expect(shown(context, 5)).toBe('Failed terminated 137 restarts=0 DeadlineExceeded');
    expect(shown(contextOf({ create: '1h' }, { activeDeadlineSeconds: 5 }), 6)).toBe(
      'Failed waiting ContainerCreating restarts=0 DeadlineExceeded',
    );
  });

  it('waits for readiness as its probe does', () => {
    const probe = { name: 'c', image: 'nginx', readinessProbe: { initialDelaySeconds: 7 } };
    const context = contextOf({}, { containers: [probe] });
    expect(at(context, 6).state).toMatchObject({ type: 'running', ready: false });
    expect(at(context, 7).state).toMatchObject({ type: 'running', ready: true });
  });

  it.each([
    ['Always', '0s', true, 0],
    ['Never', '0s', false, 143],
    ['Always', '10s', false, 137],
  ])('stops: restartPolicy %s, in %s', (restartPolicy, terminate, succeeded, exitCode) => {
    const context = contextOf({ terminate }, { restartPolicy }, { deletionGracePeriodSeconds: 5 });
    const stopping = stop(at(context, 1), context, seconds(2));
    expect(stop(stopping, context, seconds(3))).toBe(stopping);
    const stopped = advance(stopping, context, seconds(8));
    expect(stopped.state).toEqual({ type: 'stopped', succeeded });
    expect(stopped.last?.exitCode).toBe(exitCode);
  });

  it('are found again in what was reported', () => {
    const stage = fc.record({
      create: fc.constantFrom('0s', '3s'),
      ready: fc.constantFrom('0s', '2s', 'never'),
      run: fc.constantFrom('1s', '30s', 'never'),
      exitCodes: fc.constantFrom('0', '1', '1,0'),
    });
    const spec = fc.record({ restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never') });
    fc.assert(
      fc.property(stage, spec, fc.nat(100), (fields, podSpec, second) => {
        const context = contextOf(fields, podSpec);
        const progress = at(context, second);
        if (progress.state.type === 'creating') return;
        const now = seconds(second);
        const status = podStatus(context.pod, progress, { hostIP: '1.1.1.1', podIPs: ['2.2.2.2'], now });
        const again = { ...context, pod: { ...context.pod, status } };
        const found = advance(progressOfPod(again, now), again, now);
        expect(found.state).toEqual(progress.state);
        expect([found.restarts, found.startTime]).toEqual([progress.restarts, progress.startTime]);
        expect(podStatus(again.pod, found, { hostIP: '1.1.1.1', podIPs: ['2.2.2.2'], now })).toEqual(status);
      }),
    );
  });

  it('never go back to an earlier phase', () => {
    const order = ['Pending', 'Running', 'Succeeded', 'Failed'];
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 20 }), (steps) => {
        const context = contextOf({ create: '2s', run: '9s', exitCodes: '1,0' }, { restartPolicy: 'OnFailure' });
        let progress = newProgress(context, base);
        let now = base;
        let phase = 0;
        for (const step of steps) {
          now += step * 1000;
          progress = advance(progress, context, now);
          const next = order.indexOf(phaseOf(progress.state));
          expect(next).toBeGreaterThanOrEqual(phase);
          phase = next;
        }
      }),
    );
  });
});
