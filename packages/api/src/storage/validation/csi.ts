/** CSIDrivers, CSINodes and CSIStorageCapacities (`pkg/apis/storage/validation/validation.go`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { parseQuantity } from '@kubets/apimachinery/quantity';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { nameIsSubdomain, qualifiedName } from '../../core/validation/pod-names.ts';
import { checkSelector } from '../../core/validation/pod-selectors.ts';
import { checkCSIDriverName } from '../../core/validation/volume-sources.ts';
import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  TokenRequest,
} from '../../generated/types/storage-v1.ts';

const immutable = 'field is immutable';
const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const modes = ['Ephemeral', 'Persistent'];
const maxNodeID = 192;
const minTokenSeconds = 600;
const minUpdateSeconds = 10;

function checkTokens(errors: ErrorList, tokens: readonly TokenRequest[]): void {
  const seen = new Set<string>();
  tokens.forEach(({ audience, expirationSeconds: seconds }, i) => {
    const path = `spec.tokenRequests[${i}]`;
    if (seen.has(audience)) errors.duplicate(`${path}.audience`, audience);
    seen.add(audience);
    if (seconds === undefined) return;
    const at = `${path}.expirationSeconds`;
    if (seconds < minTokenSeconds) errors.invalid(at, seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > 2 ** 32) errors.invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds');
  });
}

function checkDriverSpec(errors: ErrorList, spec: CSIDriverSpec): void {
  // The first path is upstream's slip of the pen, which users know.
  if (spec.attachRequired === undefined) errors.required('spec.attachedRequired');
  if (spec.podInfoOnMount === undefined) errors.required('spec.podInfoOnMount');
  if (spec.storageCapacity === undefined) errors.required('spec.storageCapacity');
  const { fsGroupPolicy: policy, nodeAllocatableUpdatePeriodSeconds: period } = spec;
  if (policy === undefined) errors.required('spec.fsGroupPolicy');
  else if (!policies.includes(policy)) errors.notSupported('spec.fsGroupPolicy', policy, policies);
  checkTokens(errors, spec.tokenRequests ?? []);
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.notSupported('spec.volumeLifecycleModes', mode, modes);
  }
  if (period !== undefined && period < minUpdateSeconds) {
    const path = 'spec.nodeAllocatableUpdatePeriodSeconds';
    errors.invalid(path, period, 'must be greater than or equal to 10 seconds');
  }
}

const noSpec: CSIDriverSpec = {};

export function validateCSIDriver({ metadata, spec }: CSIDriver): FieldError[] {
  const errors = new ErrorList();
  checkCSIDriverName(errors, metadata.name ?? '', 'name');
  checkDriverSpec(errors, spec ?? noSpec);
  return errors.errors;
}

export function validateCSIDriverUpdate(driver: CSIDriver, old: Readonly<CSIDriver>): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateCSIDriver(driver));
  const now = driver.spec ?? noSpec;
  const before = old.spec ?? noSpec;
  if (now.attachRequired !== before.attachRequired) {
    errors.invalid('spec.attachedRequired', now.attachRequired, immutable);
  }
  if (!semanticEqual(now.volumeLifecycleModes, before.volumeLifecycleModes)) {
    errors.invalid('spec.volumeLifecycleModes', now.volumeLifecycleModes ?? null, immutable);
  }
  return errors.errors;
}

function checkNodeDriver(
  errors: ErrorList,
  driver: CSINodeDriver,
  { path, seen }: { path: string; seen: Set<string> },
): void {
  const { allocatable } = driver;
  const [name, nodeID, topologyKeys] = [driver.name ?? '', driver.nodeID ?? '', driver.topologyKeys ?? []];
  checkCSIDriverName(errors, name, `${path}.name`);
  if (nodeID === '') errors.required(`${path}.nodeID`);
  else if (nodeID.length > maxNodeID) {
    errors.invalid(`${path}.nodeID`, nodeID, `must be ${maxNodeID} characters or less`);
  }
  const count = allocatable?.count ?? 0;
  if (count < 0) errors.invalid(`${path}.allocatable.count`, count, 'must be greater than or equal to 0');
  if (seen.has(name)) errors.duplicate(`${path}.name`, name);
  seen.add(name);
  topologyKeys.forEach((key, i) => {
    if (topologyKeys.indexOf(key) < i) errors.duplicate(`${path}.topologyKeys`, key);
    errors.eachInvalid(`${path}.topologyKeys`, key, qualifiedName(key));
  });
}

export function validateCSINode({ spec }: CSINode): FieldError[] {
  const errors = new ErrorList();
  const seen = new Set<string>();
  (spec?.drivers ?? []).forEach((driver, i) => checkNodeDriver(errors, driver, { path: `spec.drivers[${i}]`, seen }));
  return errors.errors;
}

/** A driver may come and go; while it is there it does not change. `mutableCount`: but for how many volumes it takes. */
export function validateCSINodeUpdate(
  node: CSINode,
  old: Readonly<CSINode>,
  { mutableCount }: { mutableCount: boolean },
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateCSINode(node));
  const before = new Map((old.spec?.drivers ?? []).map((driver) => [driver.name, driver]));
  const shown = ({ allocatable, ...driver }: CSINodeDriver): object =>
    mutableCount || !allocatable ? driver : { ...driver, allocatable };
  for (const driver of node.spec?.drivers ?? []) {
    const earlier = before.get(driver.name);
    if (earlier !== undefined && !semanticEqual(shown(driver), shown(earlier))) {
      errors.invalid('CSINode', driver, immutable);
    }
  }
  return errors.errors;
}

export function validateCSIStorageCapacity(capacity: CSIStorageCapacity): FieldError[] {
  const errors = new ErrorList();
  const storageClassName = capacity.storageClassName ?? '';
  errors.eachInvalid('storageClassName', storageClassName, nameIsSubdomain(storageClassName, false));
  for (const field of ['capacity', 'maximumVolumeSize'] as const) {
    const text = capacity[field];
    if (text !== undefined && parseQuantity(text).sign() < 0) {
      errors.invalid(field, text, 'must be greater than or equal to 0');
    }
  }
  checkSelector(errors, capacity.nodeTopology, { path: 'nodeTopology', allowInvalidValues: false });
  return errors.errors;
}

export function validateCSIStorageCapacityUpdate(
  capacity: CSIStorageCapacity,
  old: Readonly<CSIStorageCapacity>,
): FieldError[] {
  const errors = new ErrorList();
  errors.add(validateCSIStorageCapacity(capacity));
  for (const field of ['nodeTopology', 'storageClassName'] as const) {
    if (!semanticEqual(capacity[field], old[field])) errors.invalid(field, capacity[field] ?? null, immutable);
  }
  return errors.errors;
}
