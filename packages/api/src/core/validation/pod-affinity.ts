/**
 * Node and pod affinity, and topology spread (`pkg/apis/core/validation/validation.go`, `validateAffinity`,
 * `ValidateNodeSelector`, `validateTopologySpreadConstraints`).
 */
import type {
  Affinity,
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from '../../generated/types/core-v1.ts';
import type { LabelSelector } from '../../generated/types/meta-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { dnsLabel, labelValue, nameIsSubdomain } from './pod-names.ts';
import type { PodValidationOptions } from './pod-options.ts';
import { checkLabelName, checkSelector } from './pod-selectors.ts';

interface At {
  readonly path: string;
  /** Values need not be label values. */
  readonly anyValues: boolean;
}

function checkOperator(errors: ErrorList, requirement: NodeSelectorRequirement, path: string): void {
  const count = requirement.values?.length ?? 0;
  switch (requirement.operator) {
    case 'In':
    case 'NotIn':
      if (count === 0) errors.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (count > 0) {
        errors.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    case 'Gt':
    case 'Lt':
      if (count !== 1) {
        errors.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      errors.invalid(`${path}.operator`, requirement.operator, 'not a valid selector operator');
  }
}

function checkNodeRequirement(errors: ErrorList, requirement: NodeSelectorRequirement, { path, anyValues }: At): void {
  checkOperator(errors, requirement, path);
  checkLabelName(errors, requirement.key, `${path}.key`);
  if (anyValues) return;
  (requirement.values ?? []).forEach((value, i) =>
    errors.eachInvalid(`${path}.values[${i}]`, value, labelValue(value)),
  );
}

function checkNodeField(errors: ErrorList, requirement: NodeSelectorRequirement, path: string): void {
  const { key, operator, values = [] } = requirement;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) {
      const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
      errors.required(`${path}.values`, detail);
    }
  } else errors.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  if (key !== 'metadata.name') return errors.invalid(`${path}.key`, key, 'not a valid field selector key');
  values.forEach((value, i) => errors.eachInvalid(`${path}.values[${i}]`, value, nameIsSubdomain(value, false)));
}

function checkNodeTerm(errors: ErrorList, term: NodeSelectorTerm, { path, anyValues }: At): void {
  (term.matchExpressions ?? []).forEach((requirement, i) =>
    checkNodeRequirement(errors, requirement, { path: `${path}.matchExpressions[${i}]`, anyValues }),
  );
  (term.matchFields ?? []).forEach((requirement, i) =>
    checkNodeField(errors, requirement, `${path}.matchFields[${i}]`),
  );
}

/** `ValidateNodeSelector`; persistent volumes have one too. */
export function checkNodeSelector(errors: ErrorList, selector: NodeSelector, { path, anyValues }: At): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) errors.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  terms.forEach((term, i) => checkNodeTerm(errors, term, { path: `${path}.nodeSelectorTerms[${i}]`, anyValues }));
}

function checkWeight(errors: ErrorList, weight: number | undefined, path: string): void {
  const value = weight ?? 0;
  if (value <= 0 || value > 100) errors.invalid(path, value, 'must be in the range 1-100');
}

const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
const soft = 'preferredDuringSchedulingIgnoredDuringExecution';

function checkNodeAffinity(errors: ErrorList, affinity: NodeAffinity, { path, anyValues }: At): void {
  if (affinity[hard]) checkNodeSelector(errors, affinity[hard], { path: `${path}.${hard}`, anyValues });
  (affinity[soft] ?? []).forEach((term, i) => {
    checkWeight(errors, term.weight, `${path}.${soft}[${i}].weight`);
    checkNodeTerm(errors, term.preference ?? {}, { path: `${path}.${soft}[${i}].preference`, anyValues: true });
  });
}

function checkLabelKeys(
  errors: ErrorList,
  keys: readonly string[],
  { path, selector }: { path: string; selector: LabelSelector | undefined },
): void {
  if (keys.length === 0) return;
  if (!selector) return errors.forbidden(path, 'must not be specified when labelSelector is not set');
  keys.forEach((key, i) => checkLabelName(errors, key, `${path}[${i}]`));
}

export interface LabelKeys {
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
  readonly labelSelector?: LabelSelector;
}

/** `ValidateMatchLabelKeysAndMismatchLabelKeys`: the keys' values have been merged into the selector already. */
export function checkMergedLabelKeys(errors: ErrorList, keys: LabelKeys, path: string): void {
  const { matchLabelKeys: match = [], mismatchLabelKeys: mismatch = [], labelSelector: selector } = keys;
  if (match.length === 0 && mismatch.length === 0) return;
  checkLabelKeys(errors, match, { path: `${path}.matchLabelKeys`, selector });
  checkLabelKeys(errors, mismatch, { path: `${path}.mismatchLabelKeys`, selector });
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  for (const { key } of selector?.matchExpressions ?? []) {
    const index = match.lastIndexOf(key);
    if (index >= 0 && seen.has(key)) {
      errors.invalid(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector');
    }
    seen.add(key);
  }
  match.forEach((key, i) => {
    if (!mismatch.includes(key)) return;
    errors.invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys');
  });
}

/** `validateMatchLabelKeysInTopologySpread`: without merging, a key may not be in the selector at all. */
export function checkSeparateLabelKeys(errors: ErrorList, keys: LabelKeys, path: string): void {
  const { matchLabelKeys: match = [], labelSelector: selector } = keys;
  if (match.length === 0) return;
  if (!selector) errors.forbidden(path, 'must not be specified when labelSelector is not set');
  const used = new Set([
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  match.forEach((key, i) => {
    checkLabelName(errors, key, `${path}[${i}]`);
    if (used.has(key)) errors.invalid(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector');
  });
}

function checkPodTerm(errors: ErrorList, term: PodAffinityTerm, { path, anyValues }: At): void {
  checkSelector(errors, term.labelSelector, { path: `${path}.labelSelector`, allowInvalidValues: anyValues });
  checkSelector(errors, term.namespaceSelector, { path: `${path}.namespaceSelector`, allowInvalidValues: anyValues });
  for (const name of term.namespaces ?? []) errors.eachInvalid(`${path}.namespace`, name, dnsLabel(name));
  checkMergedLabelKeys(errors, term, path);
  if (!term.topologyKey) errors.required(`${path}.topologyKey`, 'can not be empty');
  checkLabelName(errors, term.topologyKey, `${path}.topologyKey`);
}

function checkPodAffinity(errors: ErrorList, affinity: PodAffinity, { path, anyValues }: At): void {
  (affinity[hard] ?? []).forEach((term, i) => checkPodTerm(errors, term, { path: `${path}.${hard}[${i}]`, anyValues }));
  (affinity[soft] ?? []).forEach((weighted, i) => {
    const at = `${path}.${soft}[${i}]`;
    checkWeight(errors, weighted.weight, `${at}.weight`);
    checkPodTerm(errors, weighted.podAffinityTerm, { path: `${at}.podAffinityTerm`, anyValues });
  });
}

export function checkAffinity(
  errors: ErrorList,
  affinity: Affinity,
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity) {
    const anyValues = options.allowInvalidLabelValueInRequiredNodeAffinity;
    checkNodeAffinity(errors, nodeAffinity, { path: `${path}.nodeAffinity`, anyValues });
  }
  const anyValues = options.allowInvalidLabelValueInSelector;
  if (podAffinity) checkPodAffinity(errors, podAffinity, { path: `${path}.podAffinity`, anyValues });
  if (podAntiAffinity) checkPodAffinity(errors, podAntiAffinity, { path: `${path}.podAntiAffinity`, anyValues });
}

const spreadActions = ['DoNotSchedule', 'ScheduleAnyway'];
const inclusionPolicies = ['Honor', 'Ignore'];

function checkMinDomains(errors: ErrorList, constraint: TopologySpreadConstraint, path: string): void {
  const { minDomains, whenUnsatisfiable: action } = constraint;
  if (minDomains === undefined || minDomains === null) return;
  if (minDomains <= 0) errors.invalid(path, minDomains, 'must be greater than zero');
  if (action !== 'DoNotSchedule') {
    const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
    errors.invalid(path, minDomains, detail);
  }
}

function checkSpread(errors: ErrorList, constraint: TopologySpreadConstraint, path: string): void {
  const { maxSkew, topologyKey, whenUnsatisfiable, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  if (maxSkew <= 0) errors.invalid(`${path}.maxSkew`, maxSkew, 'must be greater than zero');
  if (!topologyKey) errors.required(`${path}.topologyKey`, 'can not be empty');
  if (!spreadActions.includes(whenUnsatisfiable)) {
    errors.notSupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, spreadActions);
  }
  checkMinDomains(errors, constraint, `${path}.minDomains`);
  if (nodeAffinityPolicy !== undefined && !inclusionPolicies.includes(nodeAffinityPolicy)) {
    errors.notSupported(`${path}.nodeAffinityPolicy`, nodeAffinityPolicy, inclusionPolicies);
  }
  if (nodeTaintsPolicy !== undefined && !inclusionPolicies.includes(nodeTaintsPolicy)) {
    errors.notSupported(`${path}.nodeTaintsPolicy`, nodeTaintsPolicy, inclusionPolicies);
  }
}

export function checkTopologySpread(
  errors: ErrorList,
  constraints: readonly TopologySpreadConstraint[],
  { path, options }: { path: string; options: PodValidationOptions },
): void {
  constraints.forEach((constraint, i) => {
    const at = `${path}[${i}]`;
    const { topologyKey, whenUnsatisfiable } = constraint;
    checkSpread(errors, constraint, at);
    const repeated = constraints
      .slice(i + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (repeated) errors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    if (options.spreadMatchLabelKeys && options.spreadSelectorMerge) checkMergedLabelKeys(errors, constraint, at);
    else if (options.spreadMatchLabelKeys) checkSeparateLabelKeys(errors, constraint, `${at}.matchLabelKeys`);
    if (!options.allowInvalidSpreadSelector) {
      checkSelector(errors, constraint.labelSelector, { path: `${at}.labelSelector`, allowInvalidValues: false });
    }
  });
}
