import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node } from '@kubets/api/types/core-v1';
import type {
  Device,
  DeviceClaim,
  DeviceClass,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceSlice,
  ResourceSliceSpec,
} from '@kubets/api/types/resource-v1';
import { allocationResult } from './allocation-result.ts';
import { Allocator } from './allocator.ts';
import { planClaim, type PlannedClaim } from './claim-requests.ts';
import { devicesFor, gatherPools } from './device-pools.ts';
import { refuseExpressions, type SelectorCompiler } from './device-selector.ts';

const driver = 'gpu.example.com';
const node: Node = { metadata: { name: 'n1', labels: { zone: 'a' } } };

const deviceClass = (name: string, more: Partial<DeviceClass['spec']> = {}): DeviceClass => ({
  metadata: { name },
  spec: more,
});
const classes = new Map(
  [deviceClass('gpu'), deviceClass('big', { selectors: [{ cel: { expression: 'big' } }] })].map((c) => [
    c.metadata.name!,
    c,
  ]),
);

/** Expressions of these tests name a boolean attribute that must be true. */
const byAttribute: SelectorCompiler =
  (expression) =>
  ({ device }) =>
    device.attributes?.[expression]?.bool === true;

const options = { deviceClass: (name: string) => classes.get(name), compiler: byAttribute };

function slice(devices: Device[], more: Partial<ResourceSliceSpec> = {}): ResourceSlice {
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
  return { metadata: { name: 's' }, spec: { driver, pool, nodeName: 'n1', devices, ...more } };
}

function claim(devices: DeviceClaim, name = 'c'): ResourceClaim {
  return { metadata: { name, namespace: 'default', uid: `uid-${name}` }, spec: { devices } };
}

const exactly = (name: string, more: Partial<ExactDeviceRequest> = {}) => ({
  name,
  exactly: { deviceClassName: 'gpu', ...more },
});

const plan = (...claims: ResourceClaim[]): PlannedClaim[] => claims.map((c) => planClaim(c, options));

function allocate(planned: PlannedClaim[], slices: ResourceSlice[], taken: string[] = []): string[][] | undefined {
  const chosen = new Allocator(planned, devicesFor(gatherPools(slices), node), new Set(taken)).allocate();
  return chosen?.map((list) => list.map(({ alternative, device }) => `${alternative.name}=${device.device.name}`));
}

describe('gatherPools', () => {
  it('takes the newest generation, and knows when it is not complete', () => {
    const old = slice([{ name: 'old' }]);
    const pool = { name: 'p', generation: 2, resourceSliceCount: 2 };
    const fresh = slice([{ name: 'new' }], { pool });
    expect(gatherPools([old, fresh])).toMatchObject([{ generation: 2, complete: false }]);
    expect(gatherPools([fresh, old, slice([], { pool })])).toMatchObject([{ generation: 2, complete: true }]);
  });

  it.each([
    [{ nodeName: 'n1' }, 1],
    [{ nodeName: 'n2' }, 0],
    [{ nodeName: undefined, allNodes: true }, 1],
    [
      {
        nodeName: undefined,
        nodeSelector: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }] }],
        },
      },
      1,
    ],
    [{ nodeName: undefined, perDeviceNodeSelection: true }, 0],
  ])('reaches devices of a slice for %j', (reach, count) => {
    expect(devicesFor(gatherPools([slice([{ name: 'd' }], reach)]), node)).toHaveLength(count);
  });
});

describe('planClaim', () => {
  it.each([
    [{ requests: [exactly('r', { deviceClassName: 'absent' })] }, 'request r: device class absent does not exist'],
    [{ requests: [{ name: 'r' }] }, 'request r: unsupported request type'],
    [{ requests: [exactly('r')], constraints: [{}] }, 'claim default/c: unsupported constraint type'],
  ])('refuses what it cannot serve: %j', (devices, message) => {
    expect(() => planClaim(claim(devices), options)).toThrow(message);
  });

  it('refuses expressions that nobody can evaluate', () => {
    const picky = claim({ requests: [exactly('r', { selectors: [{ cel: { expression: 'device.driver == "x"' } }] })] });
    expect(() => planClaim(picky, { ...options, compiler: refuseExpressions })).toThrow(
      /CEL selectors are not supported/,
    );
  });
});

describe('Allocator', () => {
  const three = slice(['a', 'b', 'c'].map((name) => ({ name })));

  it('takes what is free, in order', () => {
    expect(allocate(plan(claim({ requests: [exactly('r', { count: 2 })] })), [three], [`${driver}/p/a`])).toEqual([
      ['r=b', 'r=c'],
    ]);
    expect(allocate(plan(claim({ requests: [exactly('r', { count: 4 })] })), [three])).toBeUndefined();
  });

  it('serves several claims and requests from one pool', () => {
    const one = claim({ requests: [exactly('x'), exactly('y')] }, 'one');
    const two = claim({ requests: [exactly('z')] }, 'two');
    expect(allocate(plan(one, two), [three])).toEqual([['x=a', 'y=b'], ['z=c']]);
    expect(allocate(plan(one, two, claim({ requests: [exactly('w')] })), [three])).toBeUndefined();
  });

  it('steps back when the first choice leaves nothing for the second request', () => {
    const devices = [{ name: 'a', attributes: { big: { bool: true } } }, { name: 'b' }];
    const both = claim({ requests: [exactly('any'), exactly('large', { deviceClassName: 'big' })] });
    expect(allocate(plan(both), [slice(devices)])).toEqual([['any=b', 'large=a']]);
  });

  it('takes all or nothing', () => {
    const all = plan(claim({ requests: [exactly('r', { allocationMode: 'All', deviceClassName: 'gpu' })] }));
    expect(allocate(all, [three])).toEqual([['r=a', 'r=b', 'r=c']]);
    expect(allocate(all, [three], [`${driver}/p/b`])).toBeUndefined();
    expect(allocate(all, [slice([])])).toBeUndefined();
    const torn = slice([{ name: 'a' }], { pool: { name: 'p', generation: 1, resourceSliceCount: 2 } });
    expect(() => allocate(all, [torn])).toThrow(
      'asks for all devices, but resource pool gpu.example.com/p is currently being updated',
    );
    expect(allocate(plan(claim({ requests: [exactly('r')] })), [torn])).toBeUndefined();
  });

  it('takes the first way that works', () => {
    const prioritized = claim({
      requests: [
        {
          name: 'r',
          firstAvailable: [
            { name: 'best', deviceClassName: 'big' },
            { name: 'two', deviceClassName: 'gpu', count: 2 },
          ],
        },
      ],
    });
    expect(allocate(plan(prioritized), [three])).toEqual([['r/two=a', 'r/two=b']]);
  });

  it('matches attributes across requests, with or without the driver’s name', () => {
    const on = (name: string, root: string): Device => ({ name, attributes: { root: { string: root } } });
    const devices = [on('a', 'x'), on('b', 'y'), on('c', 'y')];
    const pair = claim({
      requests: [exactly('p'), exactly('q')],
      constraints: [{ requests: ['p', 'q'], matchAttribute: `${driver}/root` }],
    });
    expect(allocate(plan(pair), [slice(devices)])).toEqual([['p=b', 'q=c']]);
    expect(allocate(plan(pair), [slice([on('a', 'x'), { name: 'b' }])])).toBeUndefined();
  });

  it('lets administrators look at devices in use', () => {
    const admin = claim({ requests: [exactly('r', { adminAccess: true, count: 3 })] });
    expect(allocate(plan(admin, claim({ requests: [exactly('s')] })), [three], [`${driver}/p/a`])).toEqual([
      ['r=a', 'r=b', 'r=c'],
      ['s=b'],
    ]);
  });

  it('keeps off tainted devices', () => {
    const devices: Device[] = [
      { name: 'a', taints: [{ key: 'sick', effect: 'NoSchedule' }] },
      { name: 'b', taints: [{ key: 'x', effect: 'None' }] },
    ];
    expect(allocate(plan(claim({ requests: [exactly('r')] })), [slice(devices)])).toEqual([['r=b']]);
    const brave = exactly('r', { tolerations: [{ key: 'sick', operator: 'Exists' }] });
    expect(allocate(plan(claim({ requests: [brave] })), [slice(devices)])).toEqual([['r=a']]);
  });

  it('shares counters among the devices of a pool', () => {
    const part = (name: string, memory: string): Device => ({
      name,
      consumesCounters: [{ counterSet: 'card', counters: { memory: { value: memory } } }],
    });
    const shared = slice([part('half1', '20Gi'), part('half2', '20Gi'), part('whole', '40Gi')], {
      sharedCounters: [{ name: 'card', counters: { memory: { value: '40Gi' } } }],
    });
    expect(allocate(plan(claim({ requests: [exactly('r', { count: 2 })] })), [shared])).toEqual([
      ['r=half1', 'r=half2'],
    ]);
    expect(allocate(plan(claim({ requests: [exactly('r', { count: 3 })] })), [shared])).toBeUndefined();
    expect(allocate(plan(claim({ requests: [exactly('r')] })), [shared], [`${driver}/p/whole`])).toBeUndefined();
  });

  it('gives up a search that would take too long', () => {
    const many = slice(Array.from({ length: 64 }, (_, i) => ({ name: `d${i}`, attributes: { id: { int: i } } })));
    const hopeless = claim({
      requests: [exactly('a', { count: 8 }), exactly('b', { count: 8 })],
      constraints: [{ requests: ['b'], matchAttribute: `${driver}/id` }],
    });
    expect(() => allocate(plan(hopeless), [many])).toThrow('too many combinations');
  });

  it('finds devices whenever plain counting says there are enough, never gives one twice', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 10 }), fc.array(fc.nat({ max: 9 })), (counts, size, taken) => {
        const names = Array.from({ length: size }, (_, i) => `d${i}`);
        const used = new Set(taken.filter((i) => i < size).map((i) => `d${i}`));
        const requests = counts.map((count, i) => exactly(`r${i}`, { count }));
        const result = allocate(
          plan(claim({ requests })),
          [slice(names.map((name) => ({ name })))],
          Array.from(used, (name) => `${driver}/p/${name}`),
        );
        const wanted = counts.reduce((a, b) => a + b, 0);
        expect(result !== undefined).toBe(wanted <= size - used.size);
        const given = (result ?? []).flat().map((text) => text.split('=')[1]!);
        expect(new Set(given).size).toBe(given.length);
        expect(given.some((name) => used.has(name))).toBe(false);
      }),
    );
  });
});

describe('allocationResult', () => {
  const opaque = (text: string) => ({ opaque: { driver, parameters: { text } } });

  it('says which device, for what, where, and with which configuration', () => {
    const configured = { ...options, deviceClass: () => deviceClass('gpu', { config: [opaque('class')] }) };
    const asked = claim({
      requests: [{ name: 'r', firstAvailable: [{ name: 's', deviceClassName: 'gpu' }] }],
      config: [opaque('all'), { requests: ['r/s'], ...opaque('way') }, { requests: ['r/t'], ...opaque('other') }],
    });
    const planned = planClaim(asked, configured);
    const pools = gatherPools([slice([{ name: 'a' }])]);
    const [chosen = []] = new Allocator([planned], devicesFor(pools, node), new Set()).allocate()!;
    expect(allocationResult(planned, chosen)).toEqual({
      devices: {
        results: [{ request: 'r/s', driver, pool: 'p', device: 'a' }],
        config: [
          { source: 'FromClass', requests: ['r/s'], ...opaque('class') },
          { source: 'FromClaim', ...opaque('all') },
          { source: 'FromClaim', requests: ['r/s'], ...opaque('way') },
        ],
      },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
      },
    });
  });

  it('restricts nothing for devices that all nodes reach', () => {
    const pools = gatherPools([slice([{ name: 'a' }], { nodeName: undefined, allNodes: true })]);
    const [planned] = plan(claim({ requests: [exactly('r')] }));
    const [chosen = []] = new Allocator([planned!], devicesFor(pools, node), new Set()).allocate()!;
    expect(allocationResult(planned!, chosen).nodeSelector).toBeUndefined();
  });
});
