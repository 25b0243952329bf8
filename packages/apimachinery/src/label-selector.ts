/**
 * `metav1.LabelSelector` objects (`k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go`,
 * `pkg/apis/meta/v1/validation/validation.go`).
 */
import { forbidden, invalid, required, type FieldError, type Path } from './field.ts';
import { newRequirement, Selector, type Requirement, type SelectorOperator } from './labels.ts';
import { validateLabelName, validateLabels } from './validation-meta.ts';
import { isValidLabelValue } from './names.ts';

/** One expression; `operator` is `In`, `NotIn`, `Exists` or `DoesNotExist` when it is valid. */
export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | null;
}

/** All labels and all expressions must match. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | null;
  readonly matchExpressions?: readonly LabelSelectorRequirement[] | null;
}

const operators: Readonly<Record<string, SelectorOperator | undefined>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * The compiled selector: nothing when it is absent, everything when it is empty (`LabelSelectorAsSelector`).
 *
 * @throws Error when an operator, a key or a value is invalid.
 */
export function compileLabelSelector(selector: LabelSelector | null | undefined): Selector {
  if (selector === undefined || selector === null) return Selector.nothing;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push(newRequirement(key, '=', [value]));
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    if (known === undefined) throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push(newRequirement(key, known, values ?? []));
  }
  return Selector.of(requirements);
}

/** The selector as people read it: `<none>` when it is empty, `<error>` when it is invalid (`FormatLabelSelector`). */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  let text: string;
  try {
    text = compileLabelSelector(selector).toString();
  } catch {
    // Upstream shows the fact only: printing must not fail because of what was stored.
    return '<error>';
  }
  return text === '' ? '<none>' : text;
}

/** What {@link validateLabelSelector} lets through. */
export interface LabelSelectorOptions {
  /** Values of expressions may be anything, as in objects stored before they were checked. */
  readonly allowInvalidValues?: boolean;
}

function validateRequirement(
  requirement: LabelSelectorRequirement,
  path: Path,
  options: LabelSelectorOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  const values = requirement.values ?? [];
  const at = path.child('values');
  if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (requirement.operator === 'Exists' || requirement.operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else errors.push(invalid(path.child('operator'), requirement.operator, 'not a valid selector operator'));
  errors.push(...validateLabelName(requirement.key, path.child('key')));
  if (options.allowInvalidValues === true) return errors;
  for (const [i, value] of values.entries()) {
    for (const message of isValidLabelValue(value)) errors.push(invalid(at.index(i), value, message));
  }
  return errors;
}

/** Complaints about a label selector; none when it is absent. */
export function validateLabelSelector(
  selector: LabelSelector | null | undefined,
  path: Path,
  options: LabelSelectorOptions = {},
): FieldError[] {
  if (selector === undefined || selector === null) return [];
  const errors = validateLabels(selector.matchLabels ?? undefined, path.child('matchLabels'));
  for (const [i, requirement] of (selector.matchExpressions ?? []).entries()) {
    errors.push(...validateRequirement(requirement, path.child('matchExpressions').index(i), options));
  }
  return errors;
}
