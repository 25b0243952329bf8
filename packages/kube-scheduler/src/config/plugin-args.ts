/** Arguments of the plugins that come with the scheduler: defaults and checks (`pkg/scheduler/apis/config/{v1,validation}`). */
import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
  type Path,
} from '@kubets/apimachinery/field';
import { CompiledNodeSelector, PreferredNodeTerms } from '@kubets/api/core/helpers/node-affinity';
import type { NodeAffinity, TopologySpreadConstraint } from '@kubets/api/types/core-v1';
import { isQualifiedName } from '@kubets/apimachinery/names';

type Args = Readonly<Record<string, unknown>>;
type Resources = readonly { readonly name: string; readonly weight?: number }[];
type Shape = readonly { readonly utilization: number; readonly score: number }[];

interface Strategy {
  readonly type?: string;
  readonly resources?: Resources;
  readonly requestedToCapacityRatio?: { readonly shape?: Shape };
}

const cpuAndMemory: Resources = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** An absent weight, and a weight of 0, mean 1. */
const weighted = (resources: Resources | undefined): Resources =>
  resources === undefined || resources.length === 0
    ? cpuAndMemory
    : resources.map(({ name, weight = 0 }) => ({ name, weight: weight === 0 ? 1 : weight }));

function strategyOf(strategy: Strategy | undefined): Strategy {
  if (strategy === undefined) return { type: 'LeastAllocated', resources: cpuAndMemory };
  return { ...strategy, resources: weighted(strategy.resources) };
}

const defaults: Readonly<Record<string, (args: Args) => Args>> = {
  DefaultPreemption: (args) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }),
  DynamicResources: (args) => ({ filterTimeout: '10s', ...args }),
  InterPodAffinity: (args) => ({ hardPodAffinityWeight: 1, ...args }),
  NodeAffinity: (args) => args,
  NodeResourcesBalancedAllocation: (args) => ({ ...args, resources: weighted(args['resources'] as Resources) }),
  NodeResourcesFit: (args) => ({ ...args, scoringStrategy: strategyOf(args['scoringStrategy'] as Strategy) }),
  PodTopologySpread: (args) => ({ defaultingType: 'System', ...args }),
  VolumeBinding: (args) => ({ bindTimeoutSeconds: 600, ...args }),
};

/** Whether the plugin has arguments of a type that is known here: `<Name>Args`. */
export const hasKnownArgs = (plugin: string): boolean => Object.hasOwn(defaults, plugin);

export const defaultedArgs = (plugin: string, args: Args): Args => defaults[plugin]?.(args) ?? args;

/** With the defaults of all plugins whose arguments are known. */
export function defaultPluginConfig(): Readonly<Record<string, Args>> {
  return Object.fromEntries(Object.keys(defaults).map((plugin) => [plugin, defaultedArgs(plugin, {})]));
}

function inRange(path: Path, value: unknown, { max, detail }: { max: number; detail: string }): FieldError[] {
  return typeof value === 'number' && (value < 0 || value > max) ? [invalid(path, value, detail)] : [];
}

function preemption(args: Args, path: Path): FieldError[] {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args;
  const percentageDetail = 'not in valid range [0, 100]';
  const both = 'minCandidateNodesPercentage and minCandidateNodesAbsolute cannot be zero at the same time';
  return [
    ...inRange(path.child('minCandidateNodesPercentage'), percentage, { max: 100, detail: percentageDetail }),
    ...inRange(path.child('minCandidateNodesAbsolute'), absolute, {
      max: Number.MAX_SAFE_INTEGER,
      detail: 'not in valid range [0, inf)',
    }),
    ...(percentage === 0 && absolute === 0 ? [invalid(path.child('minCandidateNodesPercentage'), 0, both)] : []),
  ];
}

function resourceWeights(resources: Resources, path: Path): FieldError[] {
  return resources.flatMap(({ name, weight = 1 }, i) =>
    weight <= 0 || weight > 100
      ? [invalid(path.index(i).child('weight'), weight, `resource weight of ${name} not in valid range (0, 100]`)]
      : [],
  );
}

function shape(points: Shape, path: Path): FieldError[] {
  if (points.length === 0) return [required(path, 'at least one point must be specified')];
  const errors: FieldError[] = [];
  for (const [i, { utilization, score }] of points.entries()) {
    const at = path.index(i);
    const before = points[i - 1];
    if (before !== undefined && utilization <= before.utilization) {
      errors.push(
        invalid(at.child('utilization'), utilization, 'utilization values must be sorted in increasing order'),
      );
    }
    const utilizationDetail = 'not in valid range [0-100]';
    errors.push(...inRange(at.child('utilization'), utilization, { max: 100, detail: utilizationDetail }));
    errors.push(...inRange(at.child('score'), score, { max: 10, detail: 'not in valid range [0-10]' }));
  }
  return errors;
}

function labelNames(names: unknown, path: Path): FieldError[] {
  return ((names ?? []) as readonly string[]).flatMap((name, i) =>
    isQualifiedName(name).map((message) => invalid(path.index(i), name, message)),
  );
}

function fit(args: Args, path: Path): FieldError[] {
  const strategy = args['scoringStrategy'] as Strategy;
  const at = path.child('scoringStrategy');
  const groups = (args['ignoredResourceGroups'] ?? []) as readonly string[];
  const types = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];
  return [
    ...labelNames(args['ignoredResources'], path.child('ignoredResources')),
    ...groups.flatMap((group, i) =>
      group.includes('/')
        ? [invalid(path.child('ignoredResourceGroups').index(i), group, 'resource group name can\'t contain "/"')]
        : [],
    ),
    ...resourceWeights(strategy.resources ?? [], at.child('resources')),
    ...(types.includes(strategy.type ?? '') ? [] : [notSupported(at.child('type'), strategy.type ?? '', types)]),
    ...(strategy.type === 'RequestedToCapacityRatio'
      ? shape(strategy.requestedToCapacityRatio?.shape ?? [], at.child('shape'))
      : []),
  ];
}

function spreadConstraint(constraint: TopologySpreadConstraint, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!(constraint.maxSkew > 0))
    errors.push(invalid(path.child('maxSkew'), constraint.maxSkew, 'not in valid range (0, inf)'));
  if ((constraint.topologyKey ?? '') === '') errors.push(required(path.child('topologyKey'), 'can not be empty'));
  const kinds = ['DoNotSchedule', 'ScheduleAnyway'];
  if (!kinds.includes(constraint.whenUnsatisfiable)) {
    errors.push(notSupported(path.child('whenUnsatisfiable'), constraint.whenUnsatisfiable ?? '', kinds));
  }
  if (constraint.labelSelector !== undefined) {
    const why = 'constraint must not define a selector, as they deduced for each pod';
    errors.push(forbidden(path.child('labelSelector'), why));
  }
  return errors;
}

function spread(args: Args, path: Path): FieldError[] {
  const constraints = (args['defaultConstraints'] ?? []) as readonly TopologySpreadConstraint[];
  const type = args['defaultingType'] as string;
  const at = path.child('defaultConstraints');
  const errors = constraints.flatMap((constraint, i) => spreadConstraint(constraint, at.index(i)));
  const pairs = constraints.map((one) => `{${one.topologyKey}, ${one.whenUnsatisfiable}}`);
  pairs.forEach((pair, i) => {
    if (pairs.indexOf(pair) < i) errors.push(duplicate(at.index(i).child('{topologyKey, whenUnsatisfiable}'), pair));
  });
  if (type !== 'System' && type !== 'List') {
    return [notSupported(path.child('defaultingType'), type, ['List', 'System']), ...errors];
  }
  if (type === 'System' && constraints.length > 0) {
    return [invalid(path.child('defaultingType'), type, 'when .defaultConstraints are not empty'), ...errors];
  }
  return errors;
}

function addedAffinity({ addedAffinity: added }: Args, path: Path): FieldError[] {
  if (added === undefined) return [];
  const affinity = added as NodeAffinity;
  const at = path.child('addedAffinity');
  const wanted = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  const messages = [
    ...(wanted === undefined ? [] : new CompiledNodeSelector(wanted).errors),
    ...new PreferredNodeTerms(affinity.preferredDuringSchedulingIgnoredDuringExecution).errors,
  ];
  return messages.map((message) => invalid(at, affinity, message));
}

const checks: Readonly<Record<string, (args: Args, path: Path) => FieldError[]>> = {
  DefaultPreemption: preemption,
  InterPodAffinity: (args, path) =>
    inRange(path.child('hardPodAffinityWeight'), args['hardPodAffinityWeight'], {
      max: 100,
      detail: 'not in valid range [0, 100]',
    }),
  NodeAffinity: addedAffinity,
  NodeResourcesBalancedAllocation: (args, path) =>
    resourceWeights(args['resources'] as Resources, path.child('resources')),
  NodeResourcesFit: fit,
  PodTopologySpread: spread,
  VolumeBinding: (args, path) =>
    (args['bindTimeoutSeconds'] as number) < 0
      ? [
          invalid(
            path.child('bindTimeoutSeconds'),
            args['bindTimeoutSeconds'],
            'invalid BindTimeoutSeconds, should not be a negative value',
          ),
        ]
      : [],
};

/** Complaints about a plugin's defaulted arguments. */
export const validateArgs = (plugin: string, args: Args, path: Path): FieldError[] =>
  checks[plugin]?.(args, path) ?? [];
