/** Pods (`pkg/registry/core/pod/strategy.go`). */
import { dropDisabledPodFields, dropDisabledStatusFields } from '@kubets/api/core/validation/pod-disabled-fields';
import { podValidationOptions, type PodValidationOptions } from '@kubets/api/core/validation/pod-options';
import { validatePodResize } from '@kubets/api/core/validation/pod-resize';
import { validatePodStatusUpdate } from '@kubets/api/core/validation/pod-status';
import { validateEphemeralContainersUpdate, validatePodUpdate } from '@kubets/api/core/validation/pod-update';
import { podWarnings } from '@kubets/api/core/validation/pod-warnings';
import { validatePodCreate } from '@kubets/api/core/validation/pod';
import type { Container, Pod, PodSpec, PodStatus } from '@kubets/api/types/core-v1';
import { Path } from '@kubets/apimachinery/field';
import { isDNS1123Label, nameIsDNSSubdomain } from '@kubets/apimachinery/names';
import { warningsForIP } from '@kubets/apimachinery/validation-ip';
import { schemaOf } from '@kubets/api/schema-table';
import {
  baseStrategy,
  bumpGenerationOnSpecChange,
  keepStatus,
  statusUpdateStrategy,
} from '../../generic/base-strategy.ts';
import type { Strategy, StrategyContext, UpdateStrategy } from '../../strategy.ts';
import {
  applyAppArmorAnnotations,
  initialStatus,
  keepObservedGenerations,
  mergeMatchLabelKeys,
  specWith,
} from './prepare-pod.ts';
import { orderLike } from './struct-order.ts';

const optionsFor = (context: StrategyContext, old?: Readonly<Pod>): PodValidationOptions =>
  podValidationOptions((gate) => context.featureEnabled(gate), old, true);

const gates = (context: StrategyContext) => (gate: string) => context.featureEnabled(gate);

/** Annotations that became fields while a pod was prepared: its warnings are asked for later. */
const movedAnnotations = new WeakMap<Pod, string[]>();

function prepareForCreate(context: StrategyContext, pod: Pod): void {
  pod.metadata.generation = 1;
  pod.status = initialStatus(context, pod);
  dropDisabledPodFields(pod.spec, undefined, gates(context));
  mergeMatchLabelKeys(context, pod);
  const moved = applyAppArmorAnnotations(pod);
  if (moved.length > 0) movedAnnotations.set(pod, moved);
}

function warningsOnCreate(_context: StrategyContext, pod: Pod): string[] {
  const found: string[] = [];
  const wrong = isDNS1123Label(pod.metadata.name ?? '');
  if (wrong.length > 0) {
    found.push(
      `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`,
    );
  }
  for (const key of movedAnnotations.get(pod) ?? []) {
    found.push(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
  }
  return [...found, ...podWarnings(pod)];
}

/** Deletion waits for the kubelet only when there is one, and something left to stop. */
function checkGracefulDelete(
  _context: StrategyContext,
  { spec, status }: Readonly<Pod>,
  options: { gracePeriodSeconds?: number | null },
): boolean {
  let period = options.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 0;
  if (!spec?.nodeName || status?.phase === 'Failed' || status?.phase === 'Succeeded') period = 0;
  options.gracePeriodSeconds = period < 0 ? 1 : period;
  return true;
}

const selectableFieldNames = [
  'spec.nodeName',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.serviceAccountName',
  'spec.hostNetwork',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
];

function selectableFields({ spec, status }: Readonly<Pod>): Record<string, string> {
  return {
    'spec.nodeName': spec?.nodeName ?? '',
    'spec.restartPolicy': spec?.restartPolicy ?? '',
    'spec.schedulerName': spec?.schedulerName ?? '',
    'spec.serviceAccountName': spec?.serviceAccountName ?? '',
    'spec.hostNetwork': spec?.hostNetwork ? 'true' : 'false',
    'status.phase': status?.phase ?? '',
    'status.podIP': status?.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': status?.nominatedNodeName ?? '',
  };
}

function prepareStatusUpdate(context: StrategyContext, pod: Pod, old: Readonly<Pod>): void {
  copyOrDelete(pod.metadata, old.metadata, 'deletionTimestamp');
  // Old kubelets damage owner references in a way that breaks garbage collection.
  copyOrDelete(pod.metadata, old.metadata, 'ownerReferences');
  const status: PodStatus = pod.status ?? {};
  pod.status = status;
  if (!status.qosClass && old.status?.qosClass) status.qosClass = old.status.qosClass;
  keepObservedGenerations(status, old.status);
  dropDisabledStatusFields(status, old.status, gates(context));
}

function copyOrDelete<T extends object>(to: T, from: Readonly<T>, field: keyof T): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = from[field];
}

function addressWarnings({ status }: Pod): string[] {
  return [
    ...(status?.podIPs ?? []).flatMap(({ ip }, i) => warningsForIP(Path.of(`status.podIPs[${i}].ip`), ip ?? '')),
    ...(status?.hostIPs ?? []).flatMap(({ ip }, i) => warningsForIP(Path.of(`status.hostIPs[${i}].ip`), ip ?? '')),
  ];
}

const statusStrategy: UpdateStrategy<Pod> = statusUpdateStrategy<Pod>({
  prepareForUpdate: prepareStatusUpdate,
  validateUpdate: (context, pod, old) => validatePodStatusUpdate({ pod, old }, optionsFor(context, old)),
  warningsOnUpdate: (_context, pod) => addressWarnings(pod),
  resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
});

/** Paths of all that an endpoint resets, which takes only these fields of the spec. */
function allBut(...taken: (keyof PodSpec)[]): string[] {
  const spec = schemaOf('core-v1.PodSpec').fields.map(({ name }) => name);
  const reset = spec.filter((name) => !(taken as string[]).includes(name)).map((name) => `spec.${name}`);
  return ['metadata', 'status', ...reset];
}

const ephemeralStrategy: UpdateStrategy<Pod> = statusUpdateStrategy<Pod>({
  takes: ['spec'],
  keepMetadata: true,
  resetFields: allBut('ephemeralContainers'),
  prepareForUpdate(context, pod, old) {
    const { ephemeralContainers } = pod.spec ?? {};
    pod.spec = specWith(old.spec ?? { containers: [] }, { ephemeralContainers });
    dropDisabledPodFields(pod.spec, old.spec, gates(context));
    bumpGenerationOnSpecChange(pod, old);
  },
  validateUpdate: (context, pod, old) => validateEphemeralContainersUpdate({ pod, old }, optionsFor(context, old)),
});

/** The old containers with the new resources; the new ones when they do not line up, for validation to refuse. */
function resized(now: Container[] | undefined, before: readonly Container[] | undefined): Container[] | undefined {
  if (!now?.length || now.some(({ name }, i) => before?.[i]?.name !== name)) return now;
  return now.map(({ resources, resizePolicy }, i) => {
    const container = { ...(before?.[i] as Container) };
    if (resources === undefined) delete container.resources;
    else container.resources = resources;
    if (resizePolicy === undefined) delete container.resizePolicy;
    else container.resizePolicy = resizePolicy;
    orderLike(container, 'core-v1.Container');
    return container;
  });
}

function prepareResize(context: StrategyContext, pod: Pod, old: Readonly<Pod>): void {
  const spec = pod.spec ?? { containers: [] };
  const before = old.spec ?? { containers: [] };
  const sameLength =
    spec.containers?.length === before.containers?.length &&
    (spec.initContainers?.length ?? 0) === (before.initContainers?.length ?? 0);
  if (sameLength) {
    pod.spec = specWith(before, {
      containers: resized(spec.containers, before.containers) ?? [],
      initContainers: resized(spec.initContainers, before.initContainers),
      ...(context.featureEnabled('InPlacePodLevelResourcesVerticalScaling') && { resources: spec.resources }),
    });
  }
  dropDisabledPodFields(pod.spec, old.spec, gates(context));
  bumpGenerationOnSpecChange(pod, old);
}

const resizeStrategy: UpdateStrategy<Pod> = statusUpdateStrategy<Pod>({
  takes: ['spec'],
  keepMetadata: true,
  resetFields: allBut('containers', 'initContainers', 'resources'),
  prepareForUpdate: prepareResize,
  validateUpdate: (context, pod, old) => validatePodResize({ pod, old }, optionsFor(context, old)),
});

export const podStrategy: Strategy<Pod> = baseStrategy<Pod>({
  validateName: nameIsDNSSubdomain,
  resetFields: ['status'],
  prepareForCreate,
  validate: (context, pod) => validatePodCreate(pod, optionsFor(context)),
  prepareForUpdate(context, pod, old) {
    keepStatus(pod, old);
    dropDisabledPodFields(pod.spec, old.spec, gates(context));
    bumpGenerationOnSpecChange(pod, old);
  },
  validateUpdate: (context, pod, old) => validatePodUpdate({ pod, old }, optionsFor(context, old)),
  warningsOnCreate,
  // Controllers and kubelets update pods all the time; people hardly do.
  warningsOnUpdate: () => [],
  checkGracefulDelete,
  selectableFields,
  selectableFieldNames,
  subresources: { status: statusStrategy, ephemeralcontainers: ephemeralStrategy, resize: resizeStrategy },
});
