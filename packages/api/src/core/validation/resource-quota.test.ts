import { describe, expect, it } from 'vitest';
import type { LimitRange, ResourceQuota } from '../../generated/types/core-v1.ts';
import { validateLimitRange } from './limit-range.ts';
import { changed, texts } from './resource-names-testing.ts';
import {
  validateResourceQuota,
  validateResourceQuotaStatusUpdate,
  validateResourceQuotaUpdate,
} from './resource-quota.ts';

type Row = [Record<string, unknown>, string[]];
const metadata = { name: 'a', namespace: 'default' };

describe('resource quotas', () => {
  const quota: ResourceQuota = {
    metadata,
    spec: { hard: { pods: '10', 'requests.cpu': '1', 'count/widgets.example.com': '2' } },
  };
  const expressions = 'spec.scopeSelector.matchExpressions';

  it.each<Row>([
    [{}, []],
    [
      { 'spec.hard.odd': '1' },
      ['spec.hard[odd]: Invalid value: "odd": must be a standard resource type or fully qualified'],
    ],
    [{ 'spec.hard.pods': '-1' }, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']],
    [{ 'spec.hard.pods': '1500m' }, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']],
    [{ 'spec.scopes': ['X'] }, ['spec.scopes: Invalid value: ["X"]: unsupported scope']],
    [
      { 'spec.scopes': ['BestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ],
    [
      { 'spec.hard': { pods: '1' }, 'spec.scopes': ['Terminating', 'NotTerminating'] },
      ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
    ],
    [
      { [expressions]: [{ scopeName: 'PriorityClass', operator: 'In' }] },
      [
        `${expressions}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
      ],
    ],
    [
      { [expressions]: [{ scopeName: 'PriorityClass', operator: 'Exists', values: ['x'] }] },
      [
        `${expressions}.values: Invalid value: ["x"]: must be no value when \`operator\` is 'Exists' or 'DoesNotExist' for scope selector`,
      ],
    ],
    [
      { [expressions]: [{ scopeName: 'PriorityClass', operator: 'X' }] },
      [`${expressions}.operator: Invalid value: "X": not a valid selector operator`],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateResourceQuota(changed(quota, changes)))).toEqual(expected);
  });

  it('keep their scopes', () => {
    const scoped = changed(quota, { 'spec.hard': { pods: '1' }, 'spec.scopes': ['BestEffort'] });
    expect(texts(validateResourceQuotaUpdate(scoped, quota))).toEqual([
      'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
    ]);
    expect(texts(validateResourceQuotaStatusUpdate(changed(quota, { 'status.used': { pods: '-1' } })))).toEqual([
      'status.used[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ]);
  });
});

describe('limit ranges', () => {
  const range: LimitRange = {
    metadata,
    spec: {
      limits: [
        {
          type: 'Container',
          max: { cpu: '2' },
          min: { cpu: '100m' },
          default: { cpu: '1' },
          defaultRequest: { cpu: '500m' },
          maxLimitRequestRatio: { cpu: '10' },
        },
      ],
    },
  };
  const at = 'spec.limits[0]';

  it.each<Row>([
    [{}, []],
    [{ [`${at}.type`]: 'X' }, [`${at}.type: Invalid value: "X": must be a standard limit type or fully qualified`]],
    [
      { [`${at}.type`]: 'Pod' },
      [
        `${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`,
        `${at}.defaultRequest: Forbidden: may not be specified when \`type\` is 'Pod'`,
      ],
    ],
    [{ 'spec.limits[1]': { type: 'Container' } }, ['spec.limits[1].type: Duplicate value: "Container"']],
    [
      { 'spec.limits': [{ type: 'PersistentVolumeClaim' }] },
      [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ],
    [
      { [`${at}.max.cpu`]: '700m' },
      [
        `${at}.default[cpu]: Invalid value: "700m": default value 1 is greater than max value 700m`,
        `${at}.maxLimitRequestRatio[cpu]: Invalid value: "10": ratio 10 is greater than max/min = 7.000000`,
      ],
    ],
    [
      { [`${at}.min.cpu`]: '3', [`${at}.maxLimitRequestRatio`]: undefined },
      [
        `${at}.min[cpu]: Invalid value: "3": min value 3 is greater than max value 2`,
        `${at}.defaultRequest[cpu]: Invalid value: "500m": min value 3 is greater than default request value 500m`,
        `${at}.default[cpu]: Invalid value: "3": min value 3 is greater than default value 1`,
      ],
    ],
    [
      { [`${at}.defaultRequest.cpu`]: '1500m' },
      [
        `${at}.defaultRequest[cpu]: Invalid value: "1500m": default request value 1500m is greater than default limit value 1`,
      ],
    ],
    [
      { [`${at}.maxLimitRequestRatio.cpu`]: '500m' },
      [`${at}.maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1`],
    ],
    [
      { [`${at}.default[example.com/gpu]`]: '2', [`${at}.defaultRequest[example.com/gpu]`]: '1' },
      [
        `${at}.defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu`,
      ],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateLimitRange(changed(range, changes)))).toEqual(expected);
  });
});
