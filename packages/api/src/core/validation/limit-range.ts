/** LimitRanges (`pkg/apis/core/validation/validation.go`, `ValidateLimitRange`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { LimitRange, LimitRangeItem } from '../../generated/types/core-v1.ts';
import { checkContainerResourceName, checkResourceName, isHugePages, isNativeResource } from './container-resources.ts';
import { ErrorList } from './pod-error-list.ts';
import { qualifiedName } from './pod-names.ts';

const types = ['Pod', 'Container', 'PersistentVolumeClaim'];
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
type List = (typeof lists)[number];

function checkType(errors: ErrorList, type: string, path: string): void {
  const wrong = qualifiedName(type);
  errors.eachInvalid(path, type, wrong);
  if (wrong.length === 0 && !type.includes('/') && !types.includes(type)) {
    errors.invalid(path, type, 'must be a standard limit type or fully qualified');
  }
}

function checkName(errors: ErrorList, { type, name }: { type: string; name: string }, path: string): void {
  if (type === 'Pod' || type === 'Container') checkContainerResourceName(errors, name, path);
  else checkResourceName(errors, name, path);
}

function checkNames(errors: ErrorList, limit: LimitRangeItem, path: string): void {
  const { type } = limit;
  for (const list of lists) {
    const names = Object.keys(limit[list] ?? {});
    const onlyItems = type === 'Pod' && (list === 'default' || list === 'defaultRequest');
    if (!onlyItems) for (const name of names) checkName(errors, { type, name }, `${path}.${list}[${name}]`);
    else if (names.length > 0) errors.forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'");
  }
  const storage = limit.min?.['storage'] ?? limit.max?.['storage'];
  if (type === 'PersistentVolumeClaim' && storage === undefined) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided';
    errors.required(`${path}.limits`, detail);
  }
}

/** One resource's quantities, and where it is in the object. */
class Row {
  readonly #errors: ErrorList;
  readonly #path: string;
  readonly #name: string;
  readonly #texts: Partial<Record<List, string>> = {};
  readonly #values: Partial<Record<List, Quantity>> = {};

  constructor(errors: ErrorList, limit: LimitRangeItem, { path, name }: { path: string; name: string }) {
    this.#errors = errors;
    this.#path = path;
    this.#name = name;
    for (const list of lists) {
      const text = limit[list]?.[name];
      if (text === undefined || (limit.type === 'Pod' && (list === 'default' || list === 'defaultRequest'))) continue;
      this.#texts[list] = text;
      this.#values[list] = parseQuantity(text);
    }
  }

  check(): void {
    this.#order('min', 'max', { at: 'min', text: ['min value', 'max value'] });
    this.#order('min', 'defaultRequest', { at: 'defaultRequest', text: ['min value', 'default request value'] });
    this.#order('defaultRequest', 'max', { at: 'defaultRequest', text: ['default request value', 'max value'] });
    this.#order('defaultRequest', 'default', {
      at: 'defaultRequest',
      text: ['default request value', 'default limit value'],
    });
    this.#order('min', 'default', { at: 'default', shows: 'min', text: ['min value', 'default value'] });
    this.#order('default', 'max', { at: 'default', shows: 'max', text: ['default value', 'max value'] });
    this.#checkRatio();
    this.#checkSame();
  }

  /** The first is not to be greater than the second. */
  #order(low: List, high: List, { at, shows = at, text }: { at: List; shows?: List; text: [string, string] }): void {
    const [a, b] = [this.#values[low], this.#values[high]];
    if (a === undefined || b === undefined || a.compare(b) <= 0) return;
    const detail = `${text[0]} ${this.#texts[low]} is greater than ${text[1]} ${this.#texts[high]}`;
    this.#errors.invalid(`${this.#path}.${at}[${this.#name}]`, this.#texts[shows], detail);
  }

  #checkRatio(): void {
    const { maxLimitRequestRatio: ratio, min, max } = this.#values;
    if (ratio === undefined) return;
    const text = this.#texts.maxLimitRequestRatio;
    const at = `${this.#path}.maxLimitRequestRatio[${this.#name}]`;
    if (ratio.milliValue() < 1000) this.#errors.invalid(at, text, `ratio ${text} is less than 1`);
    if (min === undefined || max === undefined) return;
    const most = max.milliValue() / min.milliValue();
    if (ratio.milliValue() / 1000 <= most) return;
    this.#errors.invalid(at, text, `ratio ${text} is greater than max/min = ${most.toFixed(6)}`);
  }

  /** What cannot be overcommitted has one default. */
  #checkSame(): void {
    const { default: limit, defaultRequest: request } = this.#values;
    const overcommit = isNativeResource(this.#name) && !isHugePages(this.#name);
    if (overcommit || limit === undefined || request === undefined || limit.compare(request) === 0) return;
    const { default: a, defaultRequest: b } = this.#texts;
    const detail = `default value ${a} must equal to defaultRequest value ${b} in ${this.#name}`;
    this.#errors.invalid(`${this.#path}.defaultRequest[${this.#name}]`, b, detail);
  }
}

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const errors = new ErrorList();
  const seen = new Set<string>();
  (spec?.limits ?? []).forEach((limit, i) => {
    const path = `spec.limits[${i}]`;
    checkType(errors, limit.type ?? '', `${path}.type`);
    if (seen.has(limit.type)) errors.duplicate(`${path}.type`, limit.type);
    seen.add(limit.type);
    checkNames(errors, limit, path);
    const names = new Set(lists.flatMap((list) => Object.keys(limit[list] ?? {})));
    for (const name of names) new Row(errors, limit, { path, name }).check();
  });
  return errors.errors;
}
