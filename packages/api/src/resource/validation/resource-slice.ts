/** ResourceSlices (`pkg/apis/resource/validation/validation.go`, `validateResourceSliceSpec`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { checkNodeSelector } from '../../core/validation/pod-affinity.ts';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { Device, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../../generated/types/resource-v1.ts';
import { checkCounterSet } from './counters.ts';
import { checkDevice } from './device.ts';
import { checkList } from './lists.ts';
import { checkDriverName, checkPoolName } from './names.ts';

const maxDevices = 128;
/** Of devices with taints, shared counters or lists of values. */
const maxAdvancedDevices = 64;
const maxCounterSets = 8;

function checkPool(errors: ErrorList, pool: Partial<ResourcePool>, path: string): void {
  const { name, generation = 0, resourceSliceCount = 0 } = pool;
  checkPoolName(errors, name, `${path}.name`);
  if (resourceSliceCount <= 0) {
    errors.invalid(`${path}.resourceSliceCount`, resourceSliceCount, 'must be greater than zero');
  }
  if (generation < 0) errors.invalid(`${path}.generation`, generation, 'must be greater than or equal to zero');
}

const places = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';

function checkNodeName(errors: ErrorList, name: string, path: string): void {
  if (name === '') errors.invalid(path, name, 'must be either unset or set to a non-empty string');
  else errors.eachInvalid(path, name, isDNS1123Subdomain(name));
}

/** Where the devices are. */
function checkPlace(errors: ErrorList, spec: ResourceSliceSpec): void {
  const set: string[] = [];
  const { nodeName, nodeSelector } = spec;
  if (nodeName) set.push('`nodeName`');
  if (nodeName !== undefined) checkNodeName(errors, nodeName, 'spec.nodeName');
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`');
    checkNodeSelector(errors, nodeSelector, { path: 'spec.nodeSelector', anyValues: false });
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      errors.invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term');
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field] === true) set.push(`\`${field}\``);
    else if (spec[field] !== undefined) {
      errors.invalid(`spec.${field}`, spec[field], 'must be either unset or set to true');
    }
  }
  if (set.length === 0) errors.required('spec', places);
  else if (set.length > 1) errors.invalid('spec', `{${set.join(', ')}}`, `${places}, but multiple fields are set`);
}

function checkUnchanged(errors: ErrorList, spec: ResourceSliceSpec, old: ResourceSliceSpec): void {
  const immutable = 'field is immutable';
  const [pool, oldPool] = [spec.pool?.name ?? '', old.pool?.name ?? ''];
  if (pool !== oldPool) errors.invalid('spec.pool.name', pool, immutable);
  if (spec.driver !== old.driver) errors.invalid('spec.driver', spec.driver, immutable);
  if (spec.nodeName !== old.nodeName) errors.invalid('spec.nodeName', spec.nodeName ?? null, immutable);
}

function isAdvanced({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean {
  if (taints.length > 0 || consumesCounters.length > 0) return true;
  return Object.values(attributes).some(({ bools, ints, strings, versions }) => {
    return bools !== undefined || ints !== undefined || strings !== undefined || versions !== undefined;
  });
}

function checkDevices(errors: ErrorList, spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): void {
  const before = new Map((old?.devices ?? []).map((device) => [device.name, device]));
  const perDeviceNodeSelection = spec.perDeviceNodeSelection === true;
  checkList(errors, spec.devices, {
    path: 'spec.devices',
    max: (spec.devices ?? []).some(isAdvanced) ? maxAdvancedDevices : maxDevices,
    check: (all, device, path) =>
      checkDevice(all, device, { path, old: before.get(device.name), perDeviceNodeSelection }),
    key: (device) => device.name,
  });
}

/** Create, and update when there is an `old` one: driver, pool and node stay. */
export function validateResourceSlice(object: ResourceSlice, old?: Readonly<ResourceSlice>): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? ({} as ResourceSliceSpec);
  checkDriverName(errors, spec.driver, 'spec.driver');
  checkPool(errors, spec.pool ?? {}, 'spec.pool');
  if (old !== undefined) checkUnchanged(errors, spec, old.spec);
  checkPlace(errors, spec);
  if (spec.sharedCounters !== undefined && spec.devices !== undefined) {
    errors.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed');
  }
  checkDevices(errors, spec, old?.spec);
  checkList(errors, spec.sharedCounters, {
    path: 'spec.sharedCounters',
    max: maxCounterSets,
    check: checkCounterSet,
    key: (set) => set.name,
  });
  return errors.errors;
}
