import { describe, expect, it } from 'vitest';
import { put, texts } from '../../core/validation/testing/pods.ts';
import {
  validatePodDisruptionBudget,
  validatePodDisruptionBudgetStatus,
} from '../../policy/validation/pod-disruption-budget.ts';
import { validateHorizontalPodAutoscaler, validateHorizontalPodAutoscalerStatus } from './horizontal-pod-autoscaler.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- tables break objects in ways that their types forbid
type Loose = any;
type Changes = [string, unknown][];
const apply = (object: object, changes: Changes): Loose =>
  changes.reduce((o, [path, value]) => put(o, path, value), object);

const hpa = (changes: Changes): Loose =>
  apply(
    {
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
        behavior: { scaleUp: { selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }] } },
      },
    },
    changes,
  );

const m0 = 'spec.metrics[0]';

describe('a horizontal pod autoscaler', () => {
  it.each<[Changes, string[]]>([
    [[], []],
    [
      [['spec.minReplicas', 0]],
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
      ],
    ],
    [
      [['spec.maxReplicas', 0]],
      [
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
        'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      ],
    ],
    [
      [['spec.scaleTargetRef', { kind: '', name: 'a/b', apiVersion: 'a/b/c' }]],
      [
        'spec.scaleTargetRef.kind: Required value',
        'spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\'',
        'spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      ],
    ],
    [
      [['spec.scaleTargetRef.apiVersion', 'v1']],
      ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group'],
    ],
    [[['spec.scaleTargetRef', { kind: 'ReplicationController', name: 'web' }]], []],
    [
      [['spec.metrics.0', { type: 'X' }]],
      [
        `${m0}.type: Unsupported value: "X": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      ],
    ],
    [
      [['spec.metrics.0', { type: 'Pods' }]],
      [`${m0}.pods: Required value: must populate information for the given metric source`],
    ],
    [
      [['spec.metrics.0.pods', { metric: { name: 'x' }, target: { type: 'AverageValue', averageValue: '1' } }]],
      [`${m0}.pods: Forbidden: must populate the given metric source only`],
    ],
    [
      [['spec.metrics.0.resource', { name: '', target: { type: 'Utilization' } }]],
      [
        `${m0}.resource.name: Required value: must specify a resource name`,
        `${m0}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
      ],
    ],
    [
      [
        [
          'spec.metrics.0',
          { type: 'External', external: { metric: { name: '' }, target: { type: 'Value', value: '0' } } },
        ],
      ],
      [
        `${m0}.external.metric.name: Required value: must specify a metric name`,
        `${m0}.external.target.value: Invalid value: "0": must be positive`,
      ],
    ],
    [
      [
        [
          'spec.metrics.0',
          {
            type: 'Object',
            object: {
              describedObject: { kind: 'Service', name: 's' },
              metric: { name: 'm' },
              target: { type: 'Value' },
            },
          },
        ],
      ],
      [`${m0}.object.target.averageValue: Required value: must set either a target value or averageValue`],
    ],
    [
      [
        [
          'spec.metrics.0',
          {
            type: 'ContainerResource',
            containerResource: { name: 'cpu', container: '', target: { type: 'Utilization', averageUtilization: 0 } },
          },
        ],
      ],
      [
        `${m0}.containerResource.container: Required value: must specify a container`,
        `${m0}.containerResource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
      ],
    ],
    [
      [
        [
          'spec.behavior.scaleUp',
          { stabilizationWindowSeconds: 3601, selectPolicy: 'X', policies: [], tolerance: '-1' },
        ],
      ],
      [
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "X": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
        'spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater or equal to zero',
      ],
    ],
    [
      [['spec.behavior.scaleUp.policies.0', { type: 'X', value: 0, periodSeconds: 1801 }]],
      [
        'spec.behavior.scaleUp.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"',
        'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  ])('%j', (changes, expected) => {
    expect(texts(validateHorizontalPodAutoscaler(hpa(changes), { scaleToZero: false }))).toEqual(expected);
  });

  it('may keep the wrong version that it has', () => {
    const old = hpa([['spec.scaleTargetRef.apiVersion', '']]);
    expect(texts(validateHorizontalPodAutoscaler(structuredClone(old), { scaleToZero: false, old }))).toEqual([]);
  });

  it('counts replicas', () => {
    expect(
      texts(
        validateHorizontalPodAutoscalerStatus({
          metadata: {},
          spec: hpa([]).spec,
          status: { desiredReplicas: -1 } as Loose,
        }),
      ),
    ).toEqual(['status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0']);
  });
});

describe('a disruption budget', () => {
  it.each<[object, string[]]>([
    [{ minAvailable: 1, selector: { matchLabels: { a: 'b' } } }, []],
    [
      { minAvailable: 1, maxUnavailable: 1 },
      [
        'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    [{ minAvailable: '101%' }, ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%']],
    [{ maxUnavailable: -1 }, ['spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0']],
    [
      { unhealthyPodEvictionPolicy: 'X' },
      ['spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ],
    [
      { selector: { matchExpressions: [{ key: 'a', operator: 'X' }] } },
      ['spec.selector.matchExpressions[0].operator: Invalid value: "X": not a valid selector operator'],
    ],
  ])('%j', (spec, expected) => {
    expect(texts(validatePodDisruptionBudget({ metadata: {}, spec }))).toEqual(expected);
  });

  it('counts pods', () => {
    const status = { disruptionsAllowed: -1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    expect(texts(validatePodDisruptionBudgetStatus({ metadata: {}, status }))).toEqual([
      'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});
