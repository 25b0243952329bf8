/** CEL rules of a schema, without their compilation (`ValidateCustomResourceDefinitionOpenAPISchema`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { ValidationRule } from '../../generated/types/apiextensions-v1.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasNewline = (text: string): boolean => /[\n\r]/.test(text);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function checkMessage(errors: ErrorList, rule: string, message: string, path: string): void {
  if (message !== '' && message.trim() === '') {
    errors.invalid(`${path}.message`, message, 'message must be non-empty if specified');
  } else if (hasNewline(message.trim())) {
    errors.invalid(`${path}.message`, message, 'message must not contain line breaks');
  } else if (hasNewline(rule.trim()) && message.trim() === '') {
    errors.required(`${path}.message`, 'message must be specified if rule contains line breaks');
  }
}

/** One rule; what of it is no string is read as empty. */
function checkRule(errors: ErrorList, rule: Partial<ValidationRule>, path: string): void {
  const { fieldPath, messageExpression } = rule;
  const reason: string | undefined = rule.reason;
  if (text(rule.rule).trim() === '') errors.required(`${path}.rule`, 'rule is not specified');
  else checkMessage(errors, text(rule.rule), text(rule.message), path);
  if (text(messageExpression) !== '' && text(messageExpression).trim() === '') {
    errors.required(`${path}.messageExpression`, 'must be non-empty if specified');
  }
  if (reason !== undefined && !reasons.includes(reason)) errors.notSupported(`${path}.reason`, reason, reasons);
  if (text(fieldPath) !== '' && text(fieldPath).trim() === '') {
    errors.invalid(`${path}.fieldPath`, fieldPath, 'fieldPath must be non-empty if specified');
  } else if (hasNewline(text(fieldPath))) {
    errors.invalid(`${path}.fieldPath`, fieldPath, 'fieldPath must not contain line breaks');
  }
}

export function checkRules(errors: ErrorList, rules: unknown, path: string): void {
  if (!Array.isArray(rules)) return;
  for (const [i, rule] of rules.entries()) checkRule(errors, (rule ?? {}) as ValidationRule, `${path}[${i}]`);
}
