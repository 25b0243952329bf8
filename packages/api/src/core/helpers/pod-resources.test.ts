import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import type { Container, Pod, PodSpec, PodStatus } from '../../generated/types/core-v1.ts';
import { defaultContainerRequests, podLimits, podNonZeroRequests, podRequests } from './pod-resources.ts';
import { isScalarResource } from './resource-names.ts';

type List = Record<string, string>;

const container = (name: string, requests?: List, more: Partial<Container> = {}): Container => ({
  name,
  ...(requests && { resources: { requests } }),
  ...more,
});

const podOf = (spec: Partial<PodSpec>, status?: PodStatus): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p' },
  spec: { containers: [], ...spec },
  ...(status && { status }),
});

const texts = (amounts: ReadonlyMap<string, { toString(): string }>): List =>
  Object.fromEntries(Array.from(amounts, ([name, amount]) => [name, amount.toString()]));

const status = (name: string, more: object | undefined): never =>
  ({ name, image: '', imageID: '', ready: true, restartCount: 0, ...more }) as never;

describe('podRequests', () => {
  it('adds up containers and keeps exact amounts', () => {
    const pod = podOf({ containers: [container('a', { cpu: '100m', memory: '1Gi' }), container('b', { cpu: '1' })] });
    expect(texts(podRequests(pod))).toEqual({ cpu: '1100m', memory: '1Gi' });
  });

  it('takes the hungriest init container, not their sum', () => {
    const pod = podOf({
      initContainers: [container('i', { cpu: '2' }), container('j', { cpu: '3', memory: '1Mi' })],
      containers: [container('a', { cpu: '1', memory: '2Mi' })],
    });
    expect(texts(podRequests(pod))).toEqual({ cpu: '3', memory: '2Mi' });
  });

  it('adds sidecars to what runs with them, and to init containers after them only', () => {
    const sidecar = container('s', { cpu: '1' }, { restartPolicy: 'Always' });
    const early = podOf({
      initContainers: [sidecar, container('i', { cpu: '4' })],
      containers: [container('a', { cpu: '1' })],
    });
    expect(texts(podRequests(early))).toEqual({ cpu: '5' });
    const late = podOf({
      initContainers: [container('i', { cpu: '4' }), sidecar],
      containers: [container('a', { cpu: '1' })],
    });
    expect(texts(podRequests(late))).toEqual({ cpu: '4' });
  });

  it('lets pod-level requests of cpu, memory and huge pages stand for the containers', () => {
    const pod = podOf({
      containers: [container('a', { cpu: '1', 'ephemeral-storage': '1Gi' })],
      resources: { requests: { cpu: '3', 'hugepages-2Mi': '4Mi' } },
      overhead: { cpu: '250m', memory: '10Mi' },
    });
    expect(texts(podRequests(pod))).toEqual({
      cpu: '3250m',
      'ephemeral-storage': '1Gi',
      'hugepages-2Mi': '4Mi',
      memory: '10Mi',
    });
    expect(texts(podRequests(pod, { excludeOverhead: true, skipPodLevelResources: true }))).toEqual({
      cpu: '1',
      'ephemeral-storage': '1Gi',
    });
  });

  it.each([
    { name: 'growing', spec: '2', allocated: '1', actual: '1', reason: 'Deferred', expected: '2' },
    { name: 'shrinking', spec: '1', allocated: '1', actual: '2', reason: 'Deferred', expected: '2' },
    { name: 'infeasible', spec: '9', allocated: '1', actual: '1', reason: 'Infeasible', expected: '1' },
    {
      name: 'infeasible, still shrinking',
      spec: '9',
      allocated: '1',
      actual: '3',
      reason: 'Infeasible',
      expected: '3',
    },
  ])('counts the largest while a resize is $name', ({ spec, allocated, actual, reason, expected }) => {
    const pod = podOf(
      { containers: [container('a', { cpu: spec })] },
      {
        conditions: [{ type: 'PodResizePending', status: 'True', reason }],
        containerStatuses: [
          status('a', { allocatedResources: { cpu: allocated }, resources: { requests: { cpu: actual } } }),
        ],
      },
    );
    expect(texts(podRequests(pod, { useStatusResources: true }))).toEqual({ cpu: expected });
    expect(texts(podRequests(pod))).toEqual({ cpu: spec });
  });

  it('reads pod-level amounts in the status without their overhead', () => {
    const pod = podOf(
      { containers: [container('a')], resources: { requests: { cpu: '1' } }, overhead: { cpu: '1' } },
      { resources: { requests: { cpu: '4' } }, allocatedResources: { cpu: '3' } },
    );
    const options = { useStatusResources: true, podLevelStatus: true };
    expect(texts(podRequests(pod, options))).toEqual({ cpu: '4' });
    expect(texts(podRequests(pod, { useStatusResources: true }))).toEqual({ cpu: '2' });
  });

  it('does not change what it reads', () => {
    const pod = podOf({ containers: [container('a', { cpu: '1' })], overhead: { cpu: '1' } });
    const before = structuredClone(pod);
    podRequests(pod);
    expect(pod).toEqual(before);
  });
});

describe('podNonZeroRequests', () => {
  it('makes up requests per container, but not for an explicit 0', () => {
    const pod = podOf({ containers: [container('a'), container('b', { cpu: '0' })] });
    expect(texts(podNonZeroRequests(pod))).toEqual({ cpu: '100m', memory: '400Mi' });
  });

  it('makes nothing up where the pod as a whole asks', () => {
    const pod = podOf({ containers: [container('a'), container('b')], resources: { requests: { cpu: '1' } } });
    expect(texts(podNonZeroRequests(pod))).toEqual({ cpu: '1', memory: '400Mi' });
  });
});

describe('podLimits', () => {
  it('adds overhead to limits that are there', () => {
    const pod = podOf({
      containers: [container('a', undefined, { resources: { limits: { cpu: '1' } } })],
      overhead: { cpu: '500m', memory: '1Mi' },
    });
    expect(texts(podLimits(pod))).toEqual({ cpu: '1500m' });
  });
});

describe('what holds for every pod', () => {
  const cpu = fc.integer({ min: 0, max: 4000 }).map((n) => `${n}m`);
  const some = fc.record({ requests: fc.option(cpu, { nil: undefined }), sidecar: fc.boolean() });
  const pods = fc.record({
    init: fc.array(some, { maxLength: 4 }),
    main: fc.array(some, { minLength: 1, maxLength: 4 }),
  });
  const make = ({
    init,
    main,
  }: {
    init: { requests?: string; sidecar: boolean }[];
    main: { requests?: string }[];
  }): Pod =>
    podOf({
      initContainers: init.map((c, i) =>
        container(
          `i${i}`,
          c.requests === undefined ? undefined : { cpu: c.requests },
          c.sidecar ? { restartPolicy: 'Always' } : {},
        ),
      ),
      containers: main.map((c, i) => container(`c${i}`, c.requests === undefined ? undefined : { cpu: c.requests })),
    });

  it('a pod asks for at least what runs together and at least each container alone', () => {
    fc.assert(
      fc.property(pods, (shape) => {
        const pod = make(shape);
        const total = podRequests(pod).get('cpu')?.milliValue() ?? 0;
        const of = (c: Container): number => parseQuantity(c.resources?.requests?.['cpu'] ?? '0').milliValue();
        const together = [
          ...pod.spec!.containers,
          ...pod.spec!.initContainers!.filter((c) => c.restartPolicy === 'Always'),
        ];
        expect(total).toBeGreaterThanOrEqual(together.reduce((sum, c) => sum + of(c), 0));
        for (const c of pod.spec!.initContainers!) expect(total).toBeGreaterThanOrEqual(of(c));
        const nonZero = podNonZeroRequests(pod).get('cpu')!.milliValue();
        expect(nonZero).toBeGreaterThanOrEqual(total);
        expect(
          podRequests(pod, { nonMissingContainerRequests: defaultContainerRequests }).get('cpu')!.milliValue(),
        ).toBe(nonZero);
      }),
    );
  });

  it('a status that says what the specification says changes nothing', () => {
    fc.assert(
      fc.property(pods, (shape) => {
        const pod = make(shape);
        const all = [...pod.spec!.containers, ...pod.spec!.initContainers!];
        const containerStatuses = all.map((c) =>
          status(c.name, c.resources && { allocatedResources: c.resources.requests, resources: c.resources }),
        );
        const reported: Pod = { ...pod, status: { containerStatuses } };
        expect(texts(podRequests(reported, { useStatusResources: true }))).toEqual(texts(podRequests(pod)));
      }),
    );
  });
});

describe('isScalarResource', () => {
  it.each([
    ['nvidia.com/gpu', true],
    ['hugepages-2Mi', true],
    ['example.kubernetes.io/x', true],
    ['attachable-volumes-csi-x', true],
    ['services', false],
    ['cpu', false],
    ['requests.example.com/x', false],
  ])('%s: %s', (name, expected) => {
    expect(isScalarResource(name)).toBe(expected);
  });
});
