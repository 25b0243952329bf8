import { describe, expect, it } from 'vitest';
import { printerFor } from './printer-for.ts';

const now = Date.parse('2026-01-10T00:00:00Z');
const running = { running: { startedAt: '2026-01-09T00:00:00Z' } };
const done = { terminated: { exitCode: 0, reason: 'Completed' } };

interface Shape {
  meta?: object;
  spec?: object;
  status?: object;
}

/** Name, ready, status, restarts. */
function cells({ meta = {}, spec = {}, status = {} }: Shape): unknown[] {
  const pod = {
    metadata: { name: 'p', creationTimestamp: '2026-01-09T23:55:00Z', ...meta },
    spec: { containers: [{ name: 'a' }], ...spec },
    status: { phase: 'Running', ...status },
  };
  return [...printerFor('', 'Pod').cells(pod, now)];
}

const summary = (shape: Shape): unknown[] => cells(shape).slice(1, 4);
const container = (state: object, more: object = {}): object => ({
  name: 'a',
  ready: true,
  restartCount: 0,
  state,
  ...more,
});
const deleted = { deletionTimestamp: '2026-01-09T23:59:00Z' };

describe('rows of pods', () => {
  it('shows all columns', () => {
    const status = { podIPs: [{ ip: '10.0.0.1' }], containerStatuses: [container(running)] };
    expect(cells({ spec: { nodeName: 'n1' }, status })).toEqual([
      'p',
      '1/1',
      'Running',
      '0',
      '5m',
      '10.0.0.1',
      'n1',
      '<none>',
      '<none>',
    ]);
    expect(cells({ status: { phase: 'Pending', nominatedNodeName: 'n2' } })).toEqual([
      'p',
      '0/1',
      'Pending',
      '0',
      '5m',
      '<none>',
      '<none>',
      'n2',
      '<none>',
    ]);
  });

  it.each<[string, Shape, unknown[]]>([
    [
      'waits',
      {
        status: {
          phase: 'Pending',
          containerStatuses: [container({ waiting: { reason: 'ContainerCreating' } }, { ready: false })],
        },
      },
      ['0/1', 'ContainerCreating', '0'],
    ],
    [
      'crashes',
      {
        status: {
          containerStatuses: [
            container(
              { waiting: { reason: 'CrashLoopBackOff' } },
              {
                ready: false,
                restartCount: 3,
                lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-09T23:55:00Z' } },
              },
            ),
          ],
        },
      },
      ['0/1', 'CrashLoopBackOff', '3 (5m ago)'],
    ],
    [
      'exits with a code',
      { status: { containerStatuses: [container({ terminated: { exitCode: 3 } }, { ready: false })] } },
      ['0/1', 'ExitCode:3', '0'],
    ],
    [
      'is killed by a signal',
      { status: { containerStatuses: [container({ terminated: { exitCode: 137, signal: 9 } }, { ready: false })] } },
      ['0/1', 'Signal:9', '0'],
    ],
    [
      'runs out of memory',
      {
        status: {
          containerStatuses: [container({ terminated: { exitCode: 137, reason: 'OOMKilled' } }, { ready: false })],
        },
      },
      ['0/1', 'OOMKilled', '0'],
    ],
    [
      'completes',
      { status: { phase: 'Succeeded', containerStatuses: [container(done, { ready: false })] } },
      ['0/1', 'Completed', '0'],
    ],
    [
      'runs on though one container completed, ready',
      {
        spec: { containers: [{}, {}] },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          containerStatuses: [container(done, { ready: false }), container(running)],
        },
      },
      ['1/2', 'Running', '0'],
    ],
    [
      'runs on though one container completed, not ready',
      {
        spec: { containers: [{}, {}] },
        status: { containerStatuses: [container(done, { ready: false }), container(running)] },
      },
      ['1/2', 'NotReady', '0'],
    ],
    ['is evicted', { status: { phase: 'Failed', reason: 'Evicted' } }, ['0/1', 'Evicted', '0']],
    [
      'is gated',
      {
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
        },
      },
      ['0/1', 'SchedulingGated', '0'],
    ],
    ['is deleted', { meta: deleted, status: { containerStatuses: [container(running)] } }, ['1/1', 'Terminating', '0']],
    [
      'is deleted after its end',
      { meta: deleted, status: { phase: 'Succeeded', containerStatuses: [container(done, { ready: false })] } },
      ['0/1', 'Completed', '0'],
    ],
    ['is deleted on a lost node', { meta: deleted, status: { reason: 'NodeLost' } }, ['0/1', 'Unknown', '0']],
    [
      'initializes',
      {
        spec: { initContainers: [{ name: 'i1' }, { name: 'i2' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i1', state: running },
            { name: 'i2', state: { waiting: { reason: 'PodInitializing' } } },
          ],
          containerStatuses: [container({ waiting: { reason: 'PodInitializing' } }, { ready: false })],
        },
      },
      ['0/1', 'Init:0/2', '0'],
    ],
    [
      'initializes the second',
      {
        spec: { initContainers: [{ name: 'i1' }, { name: 'i2' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i1', state: done },
            { name: 'i2', state: running, restartCount: 2 },
          ],
        },
      },
      ['0/1', 'Init:1/2', '2'],
    ],
    [
      'fails to initialize',
      {
        spec: { initContainers: [{ name: 'i1' }] },
        status: {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'i1', state: { terminated: { exitCode: 1, reason: 'Error' } } }],
        },
      },
      ['0/1', 'Init:Error', '0'],
    ],
    [
      'fails to initialize by code',
      {
        spec: { initContainers: [{ name: 'i1' }] },
        status: { initContainerStatuses: [{ name: 'i1', state: { terminated: { exitCode: 2 } } }] },
      },
      ['0/1', 'Init:ExitCode:2', '0'],
    ],
    [
      'fails to initialize by signal',
      {
        spec: { initContainers: [{ name: 'i1' }] },
        status: { initContainerStatuses: [{ name: 'i1', state: { terminated: { exitCode: 2, signal: 15 } } }] },
      },
      ['0/1', 'Init:Signal:15', '0'],
    ],
    [
      'backs off in init',
      {
        spec: { initContainers: [{ name: 'i1' }] },
        status: { initContainerStatuses: [{ name: 'i1', state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
      },
      ['0/1', 'Init:CrashLoopBackOff', '0'],
    ],
    [
      'counts sidecars, their readiness and restarts',
      {
        spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }, { name: 'i' }] },
        status: {
          initContainerStatuses: [
            {
              name: 's',
              started: true,
              ready: true,
              restartCount: 2,
              state: running,
              lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-09T23:59:00Z' } },
            },
            { name: 'i', restartCount: 5, state: done },
          ],
          containerStatuses: [container(running, { restartCount: 1 })],
        },
      },
      ['2/2', 'Running', '3 (60s ago)'],
    ],
    [
      'starts its sidecar',
      {
        spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
        status: { phase: 'Pending', initContainerStatuses: [{ name: 's', started: false, state: { waiting: {} } }] },
      },
      ['0/2', 'Init:0/1', '0'],
    ],
    [
      'shows its containers once initialized, though a sidecar restarts',
      {
        spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
        status: {
          conditions: [{ type: 'Initialized', status: 'True' }],
          initContainerStatuses: [{ name: 's', started: false, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
          containerStatuses: [container(running)],
        },
      },
      ['1/2', 'Init:CrashLoopBackOff', '0'],
    ],
  ])('%s', (_, shape, expected) => {
    expect(summary(shape)).toEqual(expected);
  });

  it('counts readiness gates', () => {
    const spec = { readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] };
    expect(cells({ spec, status: { conditions: [{ type: 'a', status: 'True' }] } })[8]).toBe('1/2');
  });

  it('marks rows of pods that ended', () => {
    const rows = (phase: string): unknown => printerFor('', 'Pod').rows({ status: { phase } }, now)[0]!.conditions;
    expect(rows('Succeeded')).toEqual([
      { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
    ]);
    expect(rows('Failed')).toEqual([
      { type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' },
    ]);
    expect(rows('Running')).toBeUndefined();
  });
});
