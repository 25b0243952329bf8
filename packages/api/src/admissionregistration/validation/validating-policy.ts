/**
 * ValidatingAdmissionPolicies and their bindings (`pkg/apis/admissionregistration/validation/validation.go`).
 *
 * CEL expressions are only checked for being there: there is no CEL engine yet, so that an expression that
 * does not compile is accepted, and the JSON paths of the status are not parsed.
 */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { byteLength, isQualifiedName } from '@kubets/apimachinery/names';
import { validateConditions } from '@kubets/apimachinery/validation-conditions';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type {
  AuditAnnotation,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
  Validation,
} from '../../generated/types/admissionregistration-v1.ts';
import { checkMatchConditions, checkVariables } from './match-conditions.ts';
import {
  checkFailurePolicy,
  checkMatchConstraints,
  checkMatchResources,
  checkParamKind,
  checkParamRef,
  checkPolicyName,
} from './policy-parts.ts';

const maxAuditAnnotations = 20;
const maxValueExpression = 5 * 1024;
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const actions = ['Audit', 'Deny', 'Warn'];

function checkValidation(errors: ErrorList, validation: Partial<Validation>, path: string): void {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  if (expression.trim() === '') errors.required(`${path}.expression`, 'expression is not specified');
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified');
  }
  if (message !== '' && message.trim() === '') {
    errors.invalid(`${path}.message`, message, 'message must be non-empty if specified');
  } else if (/[\n\r]/.test(message.trim())) {
    errors.invalid(`${path}.message`, message, 'message must not contain line breaks');
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.notSupported(`${path}.reason`, reason, reasons);
}

function checkAuditAnnotation(
  errors: ErrorList,
  { key = '', valueExpression = '' }: Partial<AuditAnnotation>,
  { path, name }: { path: string; name: string },
): void {
  if (name === '') errors.invalid(`${path}.key`, key, 'requires metadata.name be non-empty');
  else errors.eachInvalid(`${path}.key`, `${name}/${key}`, isQualifiedName(`${name}/${key}`));
  const expression = valueExpression.trim();
  if (expression === '') errors.required(`${path}.valueExpression`, 'valueExpression is not specified');
  else if (byteLength(expression) > maxValueExpression) {
    errors.required(`${path}.valueExpression`, `must not exceed ${maxValueExpression} bytes in length`);
  }
}

function checkAuditAnnotations(errors: ErrorList, annotations: readonly AuditAnnotation[], name: string): void {
  const path = 'spec.auditAnnotations';
  if (annotations.length > maxAuditAnnotations) {
    errors.invalid(path, annotations, `must not have more than ${maxAuditAnnotations} auditAnnotations`);
  }
  const keys = new Set<string>();
  for (const [i, annotation] of annotations.entries()) {
    checkAuditAnnotation(errors, annotation, { path: `${path}[${i}]`, name });
    if (keys.has(annotation.key)) errors.duplicate(`${path}[${i}].key`, annotation.key);
    keys.add(annotation.key);
  }
}

function checkOutcome(errors: ErrorList, spec: ValidatingAdmissionPolicySpec, name: string): void {
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item';
    errors.required('spec.validations', detail);
    errors.required('spec.auditAnnotations', detail);
  }
  validations.forEach((validation, i) => checkValidation(errors, validation, `spec.validations[${i}]`));
  checkAuditAnnotations(errors, auditAnnotations, name);
}

/** Create, and update when there is an `old` one: match conditions that did not change are not checked again. */
export function validateValidatingAdmissionPolicy(
  object: ValidatingAdmissionPolicy,
  old?: Readonly<ValidatingAdmissionPolicy>,
): FieldError[] {
  const errors = new ErrorList();
  const spec = object.spec ?? {};
  checkFailurePolicy(errors, spec.failurePolicy, 'spec.failurePolicy');
  if (spec.paramKind !== undefined) checkParamKind(errors, spec.paramKind, 'spec.paramKind');
  checkMatchConstraints(errors, spec.matchConstraints, 'spec.matchConstraints');
  const unchanged =
    old !== undefined &&
    semanticEqual(spec.paramKind, old.spec?.paramKind) &&
    semanticEqual(spec.matchConditions, old.spec?.matchConditions);
  if (!unchanged) checkMatchConditions(errors, spec.matchConditions, 'spec.matchConditions');
  checkVariables(errors, spec.variables, 'spec.variables');
  checkOutcome(errors, spec, object.metadata.name ?? '');
  return errors.errors;
}

export function validateValidatingAdmissionPolicyStatus(object: ValidatingAdmissionPolicy): FieldError[] {
  const errors = new ErrorList();
  const { typeChecking, conditions = [] } = object.status ?? {};
  for (const [i, { warning, fieldRef }] of (typeChecking?.expressionWarnings ?? []).entries()) {
    const path = `status.typeChecking.expressionWarnings[${i}]`;
    if (!warning) errors.required(`${path}.warning`);
    if ((fieldRef ?? '').trim() === '') errors.required(`${path}.fieldRef`);
  }
  errors.add(validateConditions(conditions, Path.of('status.conditions')));
  return errors.errors;
}

function checkActions(errors: ErrorList, list: readonly string[], path: string): void {
  const seen = new Set<string>();
  for (const [i, action] of list.entries()) {
    if (!actions.includes(action)) errors.notSupported(`${path}[${i}]`, action, actions);
    if (seen.has(action)) errors.duplicate(`${path}[${i}]`, action);
    seen.add(action);
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    const why = 'repeating the same validation failure information in the API response and headers serves no purpose';
    errors.invalid(path, list, `must not contain both Deny and Warn (${why})`);
  }
  if (seen.size === 0) errors.required(path, 'at least one validation action is required');
}

/** Create and update. The path of `matchResources` lacks a letter, as upstream's. */
export function validateValidatingAdmissionPolicyBinding(object: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors = new ErrorList();
  const spec: Partial<ValidatingAdmissionPolicyBindingSpec> = object.spec ?? {};
  checkPolicyName(errors, spec.policyName, 'spec.policyName');
  if (spec.paramRef !== undefined) checkParamRef(errors, spec.paramRef, 'spec.paramRef');
  if (spec.matchResources !== undefined) checkMatchResources(errors, spec.matchResources, 'spec.matchResouces');
  checkActions(errors, spec.validationActions ?? [], 'spec.validationActions');
  return errors.errors;
}
