/** Webhook configurations (`pkg/apis/admissionregistration/validation/validation.go`, `validate{Validating,Mutating}WebhookConfiguration`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { isFullyQualifiedName } from '@kubets/apimachinery/validation-domain';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../generated/types/admissionregistration-v1.ts';
import { checkMatchConditions } from './match-conditions.ts';
import { checkReviewVersions, hasKnownReviewVersion, knownReviewVersions } from './review-versions.ts';
import { checkRuleWithOperations } from './rules.ts';
import { checkWebhookClient } from './webhook-client.ts';

export interface WebhookConfiguration {
  readonly webhooks?: readonly (ValidatingWebhook | MutatingWebhook)[];
}

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

/** What is asked: all of it of new configurations, of stored ones only what they already keep. */
interface Rules {
  readonly noSideEffects: boolean;
  readonly knownReviewVersion: boolean;
  readonly uniqueNames: boolean;
  readonly allowInvalidValues: boolean;
  readonly matchConditions: boolean;
}

const strict: Rules = {
  noSideEffects: true,
  knownReviewVersion: true,
  uniqueNames: true,
  allowInvalidValues: false,
  matchConditions: true,
};

const harmless = ['None', 'NoneOnDryRun'];
const allSideEffects = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const failurePolicies = ['Fail', 'Ignore'];
const matchPolicies = ['Equivalent', 'Exact'];
const reinvocationPolicies = ['IfNeeded', 'Never'];

/** A value out of a set, when there is one. */
export function checkChoice(
  errors: ErrorList,
  value: string | undefined,
  { path, choices }: { path: string; choices: readonly string[] },
): void {
  if (value !== undefined && !choices.includes(value)) errors.notSupported(path, value, choices);
}

function checkSideEffects(errors: ErrorList, value: string | undefined, { path, noSideEffects }: PathRules): void {
  const choices = noSideEffects ? harmless : allSideEffects;
  if (value === undefined) errors.required(path, `must specify one of ${choices.join(', ')}`);
  else checkChoice(errors, value, { path, choices });
}

type PathRules = Rules & { readonly path: string };

function checkSelectors(errors: ErrorList, hook: Webhook, { path, allowInvalidValues }: PathRules): void {
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    errors.add(validateLabelSelector(hook[field], Path.of(`${path}.${field}`), { allowInvalidValues }));
  }
}

function checkWebhook(errors: ErrorList, hook: Webhook, rules: PathRules): void {
  const { path } = rules;
  const { failurePolicy, matchPolicy, reinvocationPolicy, timeoutSeconds } = hook;
  errors.add(isFullyQualifiedName(Path.of(`${path}.name`), hook.name ?? ''));
  (hook.rules ?? []).forEach((rule, i) => checkRuleWithOperations(errors, rule, `${path}.rules[${i}]`));
  checkChoice(errors, failurePolicy, { path: `${path}.failurePolicy`, choices: failurePolicies });
  checkChoice(errors, matchPolicy, { path: `${path}.matchPolicy`, choices: matchPolicies });
  checkSideEffects(errors, hook.sideEffects ?? undefined, { ...rules, path: `${path}.sideEffects` });
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    errors.invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
  }
  checkSelectors(errors, hook, rules);
  checkChoice(errors, reinvocationPolicy, { path: `${path}.reinvocationPolicy`, choices: reinvocationPolicies });
  checkWebhookClient(errors, hook.clientConfig ?? {}, `${path}.clientConfig`);
  if (rules.matchConditions) checkMatchConditions(errors, hook.matchConditions, `${path}.matchConditions`);
  checkReviewVersions(errors, hook.admissionReviewVersions ?? [], {
    path: `${path}.admissionReviewVersions`,
    requireKnown: rules.knownReviewVersion,
    none: `must specify one of ${knownReviewVersions.join(', ')}`,
  });
}

const hooksOf = (configuration: WebhookConfiguration): readonly Webhook[] =>
  (configuration.webhooks ?? []) as Webhook[];

const hasBadSelector = (hook: Webhook): boolean =>
  validateLabelSelector(hook.namespaceSelector, Path.root).length > 0 ||
  validateLabelSelector(hook.objectSelector, Path.root).length > 0;

function sameMatchConditions(hooks: readonly Webhook[], before: readonly Webhook[]): boolean {
  if (hooks.length !== before.length) return false;
  return hooks.every((hook, i) => semanticEqual(hook.matchConditions, before[i]?.matchConditions));
}

function rulesOfUpdate(hooks: readonly Webhook[], before: readonly Webhook[]): Rules {
  return {
    noSideEffects: before.every((hook) => harmless.includes(hook.sideEffects ?? '')),
    knownReviewVersion: before.every((hook) => hasKnownReviewVersion(hook.admissionReviewVersions ?? [])),
    uniqueNames: new Set(before.map((hook) => hook.name)).size === before.length,
    allowInvalidValues: before.some(hasBadSelector),
    matchConditions: !sameMatchConditions(hooks, before),
  };
}

/**
 * Create, and update when there is an `old` one. Both kinds of configuration: the reinvocation policy is the only
 * difference, and the decoder takes care that validating webhooks have none.
 */
export function validateWebhookConfiguration(
  object: WebhookConfiguration,
  old?: Readonly<WebhookConfiguration>,
): FieldError[] {
  const errors = new ErrorList();
  const hooks = hooksOf(object);
  const rules = old === undefined ? strict : rulesOfUpdate(hooks, hooksOf(old));
  const names = new Set<string>();
  for (const [i, hook] of hooks.entries()) {
    checkWebhook(errors, hook, { ...rules, path: `webhooks[${i}]` });
    if (!rules.uniqueNames || !hook.name) continue;
    if (names.has(hook.name)) errors.duplicate(`webhooks[${i}].name`, hook.name);
    names.add(hook.name);
  }
  return errors.errors;
}
