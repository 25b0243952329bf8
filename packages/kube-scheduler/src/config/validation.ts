/** Complaints about a configuration (`pkg/scheduler/apis/config/validation/validation.go`). */
import { duplicate, invalid, Path, required, type FieldError } from '@kubets/apimachinery/field';
import { isExtendedResource } from '@kubets/api/core/helpers/resource-names';
import type { ExtenderConfig } from '../extender/http-extender.ts';
import type { ProfileOptions } from '../framework/profile.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import { validateArgs } from './plugin-args.ts';

const root = Path.root;

function percentage(value: number | undefined, path: Path): FieldError[] {
  if (value === undefined || (value >= 0 && value <= 100)) return [];
  return [invalid(path.child('percentageOfNodesToScore'), value, 'not in valid range [0-100]')];
}

function leaderElection({ leaderElection: settings }: SchedulerConfiguration): FieldError[] {
  if (!settings.leaderElect) return [];
  const path = root.child('leaderElection');
  const errors: FieldError[] = [];
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, resourceName, resourceNamespace } = settings;
  const duration = (name: string, ms: number): void => {
    if (ms <= 0) errors.push(invalid(path.child(name), `${ms / 1000}s`, 'must be greater than zero'));
  };
  duration('leaseDuration', leaseDurationMs);
  duration('renewDeadline', renewDeadlineMs);
  duration('retryPeriod', retryPeriodMs);
  if (leaseDurationMs <= renewDeadlineMs) {
    const detail = 'LeaseDuration must be greater than RenewDeadline';
    errors.push(invalid(path.child('leaseDuration'), `${leaseDurationMs / 1000}s`, detail));
  }
  if (resourceNamespace === '') errors.push(required(path.child('resourceNamespace'), 'resourceNamespace is required'));
  if (resourceName === '') errors.push(required(path.child('resourceName'), 'resourceName is required'));
  return errors;
}

function profile(
  { schedulerName, percentageOfNodesToScore, pluginConfig, plugins }: ProfileOptions,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  if (schedulerName === '') errors.push(required(path.child('schedulerName'), ''));
  errors.push(...percentage(percentageOfNodesToScore, path));
  for (const [i, [name, args]] of Object.entries(pluginConfig).entries()) {
    errors.push(...validateArgs(name, args, path.child('pluginConfig').index(i).child('args')));
  }
  for (const [point, { enabled }] of Object.entries(plugins)) {
    enabled.forEach(({ name, weight }, i) => {
      if (weight >= 0) return;
      const at = path.child('plugins', point, 'enabled').index(i).child('weight');
      errors.push(invalid(at, weight, `plugin "${name}" must not have a negative weight`));
    });
  }
  return errors;
}

/** What the queue is sorted by is the same for all: there is one queue. */
function queueSort(profiles: readonly ProfileOptions[]): FieldError[] {
  const sortOf = ({ plugins }: ProfileOptions): string =>
    JSON.stringify([plugins.queueSort.enabled.map(({ name }) => name), plugins.queueSort.disabled]);
  const [first] = profiles;
  return profiles.flatMap((one, i) =>
    first === undefined || sortOf(one) === sortOf(first)
      ? []
      : [
          invalid(
            root.child('profiles').index(i).child('plugins', 'queueSort'),
            one.plugins.queueSort.enabled.map(({ name }) => name),
            'has to match for all profiles',
          ),
        ],
  );
}

function extenders(all: readonly ExtenderConfig[]): FieldError[] {
  const errors: FieldError[] = [];
  const managed = new Set<string>();
  const path = root.child('extenders');
  for (const [i, extender] of all.entries()) {
    const at = path.index(i);
    if ((extender.prioritizeVerb ?? '') !== '' && (extender.weight ?? 0) <= 0) {
      const why = 'must have a positive weight applied to it';
      errors.push(invalid(at.child('weight'), extender.weight ?? 0, why));
    }
    for (const [j, { name }] of (extender.managedResources ?? []).entries()) {
      const where = at.child('managedResources').index(j).child('name');
      if (!isExtendedResource(name)) {
        errors.push(invalid(where, name, 'is an invalid extended resource name'));
      }
      if (managed.has(name)) errors.push(invalid(where, name, 'duplicate extender managed resource name'));
      managed.add(name);
    }
  }
  const binders = all.filter(({ bindVerb = '' }) => bindVerb !== '').length;
  if (binders > 1)
    errors.push(invalid(path, `found ${binders} extenders implementing bind`, 'only one extender can implement bind'));
  return errors;
}

/** None when it is fine. Complaints stand in upstream's order. */
export function validateConfiguration(configuration: SchedulerConfiguration): FieldError[] {
  const { parallelism, profiles, percentageOfNodesToScore } = configuration;
  const { podInitialBackoffMs, podMaxBackoffMs } = configuration;
  const errors = leaderElection(configuration);
  if (parallelism <= 0) {
    errors.push(invalid(root.child('parallelism'), parallelism, 'should be an integer value greater than zero'));
  }
  if (profiles.length === 0) errors.push(required(root.child('profiles'), ''));
  const names = profiles.map(({ schedulerName }) => schedulerName);
  for (const [i, one] of profiles.entries()) {
    const path = root.child('profiles').index(i);
    errors.push(...profile(one, path));
    if (names.indexOf(one.schedulerName) < i) errors.push(duplicate(path.child('schedulerName'), one.schedulerName));
  }
  errors.push(...queueSort(profiles), ...percentage(percentageOfNodesToScore, root));
  if (podInitialBackoffMs <= 0) {
    const path = root.child('podInitialBackoffSeconds');
    errors.push(invalid(path, podInitialBackoffMs / 1000, 'must be greater than 0'));
  }
  if (podMaxBackoffMs < podInitialBackoffMs) {
    const path = root.child('podMaxBackoffSeconds');
    const detail = 'must be greater than or equal to PodInitialBackoffSeconds';
    errors.push(invalid(path, podMaxBackoffMs / 1000, detail));
  }
  return [...errors, ...extenders(configuration.extenders)];
}
