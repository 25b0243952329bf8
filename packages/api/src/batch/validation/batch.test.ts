import { describe, expect, it } from 'vitest';
import { put, testOptions, texts, validTemplate } from '../../core/validation/testing/pods.ts';
import { validateCronJob, validateCronJobUpdate } from './cron-job.ts';
import { scheduleError } from './cron-schedule.ts';
import { indexesError } from './job-indexes.ts';
import { validateJobStatusUpdate } from './job-status.ts';
import { validateJob, validateJobUpdate } from './job.ts';

const options = testOptions({ isPod: false });
// oxlint-disable-next-line typescript/no-explicit-any -- tables break objects in ways that their types forbid
type Loose = any;
type Changes = [string, unknown][];

const generated = {
  'job-name': 'sum',
  'batch.kubernetes.io/job-name': 'sum',
  'controller-uid': 'u',
  'batch.kubernetes.io/controller-uid': 'u',
};

function validJob(changes: Changes = []): Loose {
  const template = put(put(validTemplate(), 'spec.restartPolicy', 'Never'), 'metadata.labels', { ...generated });
  const job = {
    metadata: { name: 'sum', namespace: 'default', uid: 'u' },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
      template,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    },
  };
  return changes.reduce((object, [path, value]) => put(object, path, value), job as object);
}

const indexed: Changes = [
  ['spec.completionMode', 'Indexed'],
  ['spec.completions', 10],
];
const rule = (value: unknown): Changes => [
  ['spec.podFailurePolicy', { rules: [value] }],
  ['spec.podReplacementPolicy', 'Failed'],
];

describe('a job on create', () => {
  it.each<[Changes, string[]]>([
    [[], []],
    [[['spec.parallelism', -1]], ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0']],
    [
      [['spec.template.spec.restartPolicy', 'Always']],
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [[['spec.selector', undefined]], ['spec.selector: Required value']],
    [
      [['spec.template.metadata.labels', { ...generated, 'job-name': 'other' }]],
      [
        'spec.template.metadata.labels[job-name]: Invalid value: {"job-name":"other","batch.kubernetes.io/job-name":"sum","controller-uid":"u","batch.kubernetes.io/controller-uid":"u"}: must be \'sum\'',
      ],
    ],
    [
      [['spec.selector', { matchLabels: { 'batch.kubernetes.io/controller-uid': 'x' } }]],
      [
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"x"}}: `selector` not auto-generated',
        `spec.template.metadata.labels: Invalid value: ${JSON.stringify(generated)}: \`selector\` does not match template \`labels\``,
      ],
    ],
    [
      [['spec.completionMode', 'X']],
      ['spec.completionMode: Unsupported value: "X": supported values: "NonIndexed", "Indexed"'],
    ],
    [
      [
        ['spec.completionMode', 'Indexed'],
        ['spec.completions', undefined],
      ],
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    [
      [['spec.backoffLimitPerIndex', 1]],
      ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ],
    [
      [...indexed, ['spec.maxFailedIndexes', 11]],
      [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 11: must be less than or equal to completions',
      ],
    ],
    [
      [...indexed, ['spec.completions', 100001], ['spec.backoffLimitPerIndex', 1]],
      ['spec.maxFailedIndexes: Required value: must be specified when completions is above 100000'],
    ],
    [
      [['spec.managedBy', 'x']],
      ['spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      [['spec.podReplacementPolicy', 'X']],
      ['spec.podReplacementPolicy: Unsupported value: "X": supported values: "Failed", "TerminatingOrFailed"'],
    ],
    [
      rule({ action: '' }),
      [
        'spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      ],
    ],
    [
      rule({ action: 'FailIndex', onExitCodes: { operator: 'In', values: [0, 2, 1, 2], containerName: 'x' } }),
      [
        'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[3]: Duplicate value: 2',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [0,2,1,2]: must be ordered',
      ],
    ],
    [
      rule({ action: 'Count', onPodConditions: [{ type: 'X', status: '' }] }),
      [
        'spec.podFailurePolicy.rules[0].onPodConditions[0].status: Required value: valid values: ["False" "True" "Unknown"]',
      ],
    ],
    [
      [
        ['spec.podFailurePolicy', { rules: [] }],
        ['spec.podReplacementPolicy', 'Failed'],
        ['spec.template.spec.restartPolicy', 'OnFailure'],
      ],
      [
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      [['spec.successPolicy', { rules: [] }]],
      ['spec.successPolicy: Invalid value: {"rules":[]}: requires indexed completion mode'],
    ],
    [
      [...indexed, ['spec.successPolicy', { rules: [{ succeededIndexes: '0-2', succeededCount: 4 }] }]],
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
    [
      [...indexed, ['metadata.name', 'x.y'], ['spec.manualSelector', true]],
      ['metadata.name: Invalid value: "x.y": will not able to create pod with invalid DNS label: x.y-9'],
    ],
  ])('%j', (changes, expected) => {
    expect(texts(validateJob(validJob(changes), options))).toEqual(expected);
  });
});

describe('a job on update', () => {
  const update = (changes: Changes, before: Changes = [], mutable = {}): string[] =>
    texts(
      validateJobUpdate(validJob([...before, ...changes]), validJob(before), {
        pod: options,
        mutableScheduling: false,
        mutableResources: false,
        ...mutable,
      }),
    );

  it('may change parallelism, and completions of an indexed job with it', () => {
    expect(update([['spec.parallelism', 5]])).toEqual([]);
    expect(update([['spec.completions', 5]])).toEqual(['spec.completions: Invalid value: 5: field is immutable']);
    expect(
      update(
        [
          ['spec.completions', 5],
          ['spec.parallelism', 5],
        ],
        indexed,
      ),
    ).toEqual([]);
    expect(update([['spec.completions', 5]], indexed)).toEqual([
      'spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism',
    ]);
  });

  it('keeps its template, unless it is suspended', () => {
    const changes: Changes = [['spec.template.spec.nodeSelector', { a: 'b' }]];
    expect(update(changes)[0]).toMatch(/^spec\.template: Invalid value: .*: field is immutable$/);
    expect(update(changes, [], { mutableScheduling: true })).toEqual([]);
    const resources: Changes = [['spec.template.spec.containers.0.resources.limits.cpu', '2']];
    expect(update(resources)).toHaveLength(1);
    expect(update(resources, [], { mutableResources: true })).toEqual([]);
  });
});

describe('the status of a job', () => {
  const done = (...types: string[]) => types.map((type) => ({ type, status: 'True' }));
  const check = (status: Loose, before: Loose = {}): string[] => {
    const job = { ...validJob(), status };
    return texts(validateJobStatusUpdate(job, { ...validJob(), status: before }));
  };
  const times = { startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:01:00Z' };

  it.each<[Loose, Loose, string[]]>([
    [
      { conditions: done('SuccessCriteriaMet', 'Complete'), ...times, succeeded: 1 },
      { startTime: times.startTime },
      [],
    ],
    [
      { conditions: done('Complete'), ...times },
      { startTime: times.startTime },
      [
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      ],
    ],
    [
      { conditions: done('SuccessCriteriaMet', 'Complete'), startTime: times.startTime },
      {},
      ['status.completionTime: Required value: completionTime is required for Complete jobs'],
    ],
    [
      { conditions: done('Failed'), startTime: times.startTime },
      {},
      ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
    ],
    [
      { conditions: [] },
      { conditions: done('Failed') },
      ['status.conditions: Invalid value: cannot disable the terminal Failed=True condition'],
    ],
    [{ ready: 2, active: 1 }, {}, ['status.ready: Invalid value: 2: cannot set more ready pods than active']],
    [
      { failed: 1, succeeded: 0 },
      { failed: 2, succeeded: 1 },
      [
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      ],
    ],
    [
      { completedIndexes: '0' },
      {},
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      ],
    ],
    [
      { uncountedTerminatedPods: { succeeded: ['a'], failed: ['a', ''] } },
      {},
      [
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
      ],
    ],
    [
      {},
      { startTime: times.startTime },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    [
      { startTime: times.completionTime },
      { startTime: times.startTime },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    [{ startTime: times.completionTime }, { startTime: times.startTime, conditions: done('Suspended') }, []],
  ])('%j after %j', (status, before, expected) => {
    expect(check(status, before)).toEqual(expected);
  });
});

describe('index lists', () => {
  it.each([
    ['', undefined],
    ['0,2-4', undefined],
    ['2,1', 'non-increasing order, previous: 2, current: 1'],
    ['3-1', 'non-increasing order, previous: 3, current: 1'],
    ['9', 'too large index: "9"'],
    ['a', 'cannot convert string to integer for index: "a"'],
    [
      '1-2-3',
      'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
    ],
  ])('%s', (text, expected) => {
    expect(indexesError(text, 5)).toBe(expected);
  });
});

describe('a cron job', () => {
  const make = (changes: Changes = []): Loose => {
    const { parallelism, template } = validJob().spec;
    const spec = {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { parallelism, template } },
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    };
    return changes.reduce((object, [path, value]) => put(object, path, value), {
      metadata: { name: 'nightly' },
      spec,
    } as object);
  };

  it.each<[Changes, string[]]>([
    [[], []],
    [[['spec.schedule', '']], ['spec.schedule: Required value']],
    [
      [['spec.schedule', 'TZ=UTC 0 0 * * *']],
      [
        'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      [['spec.timeZone', 'Nowhere/Land']],
      ['spec.timeZone: Invalid value: "Nowhere/Land": unknown time zone Nowhere/Land'],
    ],
    [[['spec.timeZone', 'Europe/Berlin']], []],
    [
      [['spec.concurrencyPolicy', 'X']],
      ['spec.concurrencyPolicy: Unsupported value: "X": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      [['spec.jobTemplate.spec.selector', {}]],
      ['spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated'],
    ],
    [
      [['spec.jobTemplate.spec.manualSelector', true]],
      ['spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"'],
    ],
    [
      [['spec.failedJobsHistoryLimit', -1]],
      ['spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      [['metadata.name', 'x'.repeat(53)]],
      [`metadata.name: Invalid value: "${'x'.repeat(53)}": must be no more than 52 characters`],
    ],
  ])('%j', (changes, expected) => {
    expect(texts(validateCronJob(make(changes), options))).toEqual(expected);
  });

  it('may keep a zone in its schedule', () => {
    const object = make([['spec.schedule', 'TZ=UTC 0 0 * * *']]);
    expect(texts(validateCronJobUpdate(object, object, options))).toEqual([]);
  });

  it.each([
    ['0 0 1 jan sun', undefined],
    ['@hourly', undefined],
    ['@every 1h30m', undefined],
    ['@never', 'unrecognized descriptor: @never'],
    ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ])('schedule %s', (schedule, expected) => {
    expect(scheduleError(schedule)).toBe(expected);
  });
});
