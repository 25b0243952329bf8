/** Devices of a ResourceSlice (`pkg/apis/resource/validation/validation.go`, `validateDevice`). */
import { byteLength } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { parseVersion } from '../../coordination/validation/semantic-version.ts';
import { checkNodeSelector } from '../../core/validation/pod-affinity.ts';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { Device, DeviceAttribute, DeviceCounterConsumption } from '../../generated/types/resource-v1.ts';
import { checkCapacity } from './capacity.ts';
import { checkCounters } from './counters.ts';
import { checkBinding, checkTaint } from './device-parts.ts';
import { checkList, checkMap } from './lists.ts';
import { checkDeviceClassName, checkLabel, checkQualifiedName, maxQualifiedName } from './names.ts';

const maxAttributesAndCapacities = 32;
const maxAttributeValues = 48;
const maxValueLength = 64;
const maxTaints = 16;
const maxCounterConsumptions = 2;

const listFields = ['bools', 'ints', 'strings', 'versions'] as const;

/** Each item of a list counts. */
function countValues(device: Device): number {
  let count = 0;
  for (const attribute of Object.values(device.attributes ?? {})) {
    const items = listFields.reduce((sum, field) => sum + (attribute[field]?.length ?? 0), 0);
    count += Math.max(items, 1);
  }
  return count;
}

function checkText(errors: ErrorList, text: string, path: string): void {
  if (byteLength(text) > maxValueLength) errors.tooLong(path, maxValueLength);
}

function checkVersion(errors: ErrorList, text: string, path: string): void {
  if (parseVersion(text) === undefined) {
    errors.invalid(path, text, 'must be a string compatible with semver.org spec 2.0.0');
  }
  checkText(errors, text, path);
}

function checkAttribute(errors: ErrorList, attribute: DeviceAttribute, path: string): void {
  const { string, version } = attribute;
  if (string !== undefined) checkText(errors, string, `${path}.string`);
  if (version !== undefined) checkVersion(errors, version, `${path}.version`);
  for (const field of listFields) {
    if (attribute[field]?.length === 0) errors.invalid(`${path}.${field}`, [], 'must not be empty if specified');
  }
  checkList(errors, attribute.strings, { path: `${path}.strings`, check: checkText });
  checkList(errors, attribute.versions, { path: `${path}.versions`, check: checkVersion });
  const count = Object.values(attribute).filter((value) => value !== undefined).length;
  if (count !== 1) errors.invalid(path, count === 0 ? '' : attribute, 'exactly one value must be specified');
}

function checkAmount(errors: ErrorList, device: Device, path: string): void {
  const count = Object.keys(device.attributes ?? {}).length + Object.keys(device.capacity ?? {}).length;
  if (count > maxAttributesAndCapacities) {
    const detail = `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`;
    errors.invalid(path, count, detail);
  }
  const values = countValues(device);
  if (values > maxAttributeValues) {
    errors.invalid(path, values, `the total number of attribute values must not exceed ${maxAttributeValues}`);
  }
}

const placeRule =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

/** Where the device is, when the slice leaves that to its devices. */
function checkPlace(errors: ErrorList, device: Device, path: string): void {
  const { nodeName, nodeSelector, allNodes } = device;
  const set: string[] = [];
  if (nodeName !== undefined && nodeName !== '') {
    set.push('`nodeName`');
    checkDeviceClassName(errors, nodeName, `${path}.nodeName`);
  } else if (nodeName !== undefined) errors.invalid(`${path}.nodeName`, nodeName, 'must not be empty');
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`');
    checkNodeSelector(errors, nodeSelector, { path: `${path}.nodeSelector`, anyValues: false });
  }
  if (allNodes === true) set.push('`allNodes`');
  else if (allNodes !== undefined) {
    errors.invalid(`${path}.allNodes`, allNodes, 'must be either unset or set to true');
  }
  if (set.length === 0) errors.required(path, placeRule);
  else if (set.length > 1) errors.invalid(path, `{${set.join(', ')}}`, placeRule);
}

function checkConsumption(errors: ErrorList, consumption: DeviceCounterConsumption, path: string): void {
  if (!consumption.counterSet) errors.required(`${path}.counterSet`);
  else checkLabel(errors, consumption.counterSet, `${path}.counterSet`);
  checkCounters(errors, consumption.counters, `${path}.counters`);
}

export interface DeviceRules {
  readonly path: string;
  /** The same device before the update: its capacity and taints are not checked again while they do not change. */
  readonly old: Device | undefined;
  readonly perDeviceNodeSelection: boolean;
}

export function checkDevice(errors: ErrorList, device: Device, rules: DeviceRules): void {
  const { path, old, perDeviceNodeSelection } = rules;
  const { name, attributes = {}, capacity = {}, taints } = device;
  const shared = device.allowMultipleAllocations === true;
  const keys = { maxKeyLength: maxQualifiedName, checkKey: checkQualifiedName };
  checkLabel(errors, name, `${path}.name`);
  checkAmount(errors, device, path);
  checkMap(errors, attributes, { ...keys, path: `${path}.attributes`, check: checkAttribute });
  if (old === undefined || !semanticEqual(old.capacity, device.capacity)) {
    checkMap(errors, capacity, {
      ...keys,
      path: `${path}.capacity`,
      check: (all, value, at) => checkCapacity(all, value, { path: at, shared }),
    });
  }
  if (old === undefined || !semanticEqual(old.taints, taints)) {
    checkList(errors, taints, { path: `${path}.taints`, max: maxTaints, check: checkTaint });
  }
  checkList(errors, device.consumesCounters, {
    path: `${path}.consumesCounters`,
    max: maxCounterConsumptions,
    check: checkConsumption,
    key: (consumption) => consumption.counterSet,
  });
  if (perDeviceNodeSelection) checkPlace(errors, device, path);
  else if (device.nodeName !== undefined || device.nodeSelector !== undefined || device.allNodes !== undefined) {
    const rule = 'can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    errors.invalid(path, null, `\`nodeName\`, \`nodeSelector\` and \`allNodes\` ${rule}`);
  }
  checkBinding(errors, device, path);
}
