/** What validating and mutating policies and their bindings share (`validateParamKind`, `validateMatchResources`, `validateParamRef`). */
import { Path } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { isDNS1035Label, isDNS1123Subdomain, validatePathSegmentName } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { MatchResources, ParamKind, ParamRef } from '../../generated/types/admissionregistration-v1.ts';
import { checkNamedRule } from './rules.ts';

const failurePolicies = ['Fail', 'Ignore'];
const matchPolicies = ['Equivalent', 'Exact'];
const notFoundActions = ['Deny', 'Allow'];

export interface RequiredChoice {
  readonly path: string;
  readonly choices: readonly string[];
}

export function checkRequiredChoice(
  errors: ErrorList,
  value: string | undefined,
  { path, choices }: RequiredChoice,
): void {
  if (!value) errors.required(path);
  else if (!choices.includes(value)) errors.notSupported(path, value, choices);
}

export function checkFailurePolicy(errors: ErrorList, value: string | undefined, path: string): void {
  if (value === undefined) errors.required(path);
  else if (!failurePolicies.includes(value)) errors.notSupported(path, value, failurePolicies);
}

function checkApiVersion(errors: ErrorList, apiVersion: string, path: string): void {
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  if (parts.length > 2) {
    errors.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
    return;
  }
  const [version = '', group = ''] = parts.reverse();
  const joined = (value: string, messages: readonly string[]): void => {
    if (messages.length > 0) errors.invalid(path, value, messages.join(','));
  };
  if (group !== '') joined(group, isDNS1123Subdomain(group));
  if (version === '') errors.invalid(path, apiVersion, 'version must be specified');
  else joined(version, isDNS1035Label(version));
}

export function checkParamKind(errors: ErrorList, { apiVersion = '', kind = '' }: ParamKind, path: string): void {
  if (apiVersion === '') errors.required(`${path}.apiVersion`);
  else checkApiVersion(errors, apiVersion, `${path}.apiVersion`);
  if (kind === '') {
    errors.required(`${path}.kind`);
    return;
  }
  const wrong = isDNS1035Label(kind.toLowerCase()).join(',');
  const detail = `may have mixed case, but should otherwise match: ${wrong}`;
  if (wrong !== '') errors.invalid(`${path}.kind`, kind, detail);
}

/** Selectors and policy have been defaulted: their absence is an error. */
export function checkMatchResources(errors: ErrorList, match: MatchResources, path: string): void {
  const { matchPolicy, resourceRules = [], excludeResourceRules = [] } = match;
  if (matchPolicy === undefined) errors.required(`${path}.matchPolicy`);
  else if (!matchPolicies.includes(matchPolicy)) errors.notSupported(`${path}.matchPolicy`, matchPolicy, matchPolicies);
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    const selector = match[field];
    if (selector === undefined) errors.required(`${path}.${field}`);
    else errors.add(validateLabelSelector(selector, Path.of(`${path}.${field}`)));
  }
  resourceRules.forEach((rule, i) => checkNamedRule(errors, rule, `${path}.resourceRules[${i}]`));
  excludeResourceRules.forEach((rule, i) => checkNamedRule(errors, rule, `${path}.excludeResourceRules[${i}]`));
}

/** A policy says which resources it is for: the types of its expressions follow from that. */
export function checkMatchConstraints(errors: ErrorList, match: MatchResources | undefined, path: string): void {
  if (match === undefined) {
    errors.required(path);
    return;
  }
  checkMatchResources(errors, match, path);
  if ((match.resourceRules ?? []).length === 0) errors.required(`${path}.resourceRules`);
}

/** Deletions change nothing, so no mutating policy is for them. The path has no index, as upstream's. */
export function checkMutableOperations(errors: ErrorList, match: MatchResources | undefined, path: string): void {
  const choices = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
  for (const { operations = [] } of match?.resourceRules ?? []) {
    for (const operation of operations) {
      if (!choices.includes(operation)) errors.notSupported(`${path}.resourceRules.operations`, operation, choices);
    }
  }
}

export function checkParamRef(errors: ErrorList, ref: ParamRef, path: string): void {
  const { name = '', selector, parameterNotFoundAction: action } = ref;
  const exclusive = 'name and selector are mutually exclusive';
  if (name !== '') {
    errors.eachInvalid(`${path}.name`, name, validatePathSegmentName(name, false));
    if (selector !== undefined) errors.forbidden(`${path}.name`, exclusive);
  }
  if (selector !== undefined) {
    errors.add(validateLabelSelector(selector, Path.of(`${path}.selector`)));
    if (name !== '') errors.forbidden(`${path}.selector`, exclusive);
  } else if (name === '') errors.required(path, 'one of name or selector must be specified');
  checkRequiredChoice(errors, action, { path: `${path}.parameterNotFoundAction`, choices: notFoundActions });
}

/** The policy that a binding is for. */
export function checkPolicyName(errors: ErrorList, name: string | undefined, path: string): void {
  if (!name) errors.required(path);
  else errors.eachInvalid(path, name, isDNS1123Subdomain(name));
}
