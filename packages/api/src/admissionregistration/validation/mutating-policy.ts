/**
 * MutatingAdmissionPolicies and their bindings (`pkg/apis/admissionregistration/validation/validation.go`).
 *
 * CEL expressions are only checked for being there: there is no CEL engine yet, so that an expression that
 * does not compile is accepted.
 */
import type { FieldError } from '@kubets/apimachinery/field';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
} from '../../generated/types/admissionregistration-v1.ts';
import { checkMatchConditions, checkVariables } from './match-conditions.ts';
import {
  checkFailurePolicy,
  checkMatchConstraints,
  checkMatchResources,
  checkMutableOperations,
  checkParamKind,
  checkParamRef,
  checkPolicyName,
  checkRequiredChoice,
} from './policy-parts.ts';

const patchTypes = ['ApplyConfiguration', 'JSONPatch'];
const reinvocationPolicies = ['IfNeeded', 'Never'];
const fieldOfType = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;
const otherField = { ApplyConfiguration: 'jsonPatch', JSONPatch: 'applyConfiguration' } as const;

function checkMutation(errors: ErrorList, mutation: Mutation, path: string): void {
  const type = mutation.patchType;
  checkRequiredChoice(errors, type, { path: `${path}.patchType`, choices: patchTypes });
  if (!patchTypes.includes(type)) return;
  const [own, other] = [fieldOfType[type], otherField[type]];
  if (mutation[other] !== undefined) {
    errors.invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${type}`);
  }
  const value = mutation[own];
  if (value === undefined) errors.required(`${path}.${own}`, `must be specified when patchType is ${type}`);
  else if ((value.expression ?? '').trim() === '') errors.required(`${path}.${own}.expression`);
}

/** Create, and update when there is an `old` one: match conditions that did not change are not checked again. */
export function validateMutatingAdmissionPolicy(
  object: MutatingAdmissionPolicy,
  old?: Readonly<MutatingAdmissionPolicy>,
): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? {};
  const { matchConstraints, mutations = [] } = spec;
  checkFailurePolicy(errors, spec.failurePolicy, 'spec.failurePolicy');
  if (spec.paramKind !== undefined) checkParamKind(errors, spec.paramKind, 'spec.paramKind');
  checkMatchConstraints(errors, matchConstraints, 'spec.matchConstraints');
  checkMutableOperations(errors, matchConstraints, 'spec.matchConstraints');
  const unchanged =
    old !== undefined &&
    semanticEqual(spec.paramKind, old.spec?.paramKind) &&
    semanticEqual(spec.matchConditions, old.spec?.matchConditions);
  if (!unchanged) checkMatchConditions(errors, spec.matchConditions, 'spec.matchConditions');
  checkVariables(errors, spec.variables, 'spec.variables');
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item');
  mutations.forEach((mutation, i) => checkMutation(errors, mutation, `spec.mutations[${i}]`));
  const choices = reinvocationPolicies;
  checkRequiredChoice(errors, spec.reinvocationPolicy, { path: 'spec.reinvocationPolicy', choices });
  return errors.errors;
}

/** Create and update. */
export function validateMutatingAdmissionPolicyBinding(object: MutatingAdmissionPolicyBinding): FieldError[] {
  const errors = new ErrorList();
  const { policyName, paramRef, matchResources } = object.spec ?? {};
  checkPolicyName(errors, policyName, 'spec.policyName');
  if (paramRef !== undefined) checkParamRef(errors, paramRef, 'spec.paramRef');
  if (matchResources !== undefined) {
    checkMatchResources(errors, matchResources, 'spec.matchResources');
    checkMutableOperations(errors, matchResources, 'spec.matchResources');
  }
  return errors.errors;
}
