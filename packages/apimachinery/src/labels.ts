/**
 * Label selectors as text: `app=web,tier in (a,b),!legacy` (`k8s.io/apimachinery/pkg/labels/selector.go`).
 */
import { aggregateText, fieldErrorText, invalid, notSupported, Path, type FieldError } from './field.ts';
import { isQualifiedName, isValidLabelValue } from './names.ts';

/** Labels of one object. */
export type Labels = Readonly<Record<string, string>>;

/** The operators by the names upstream prints them (`pkg/selection`). */
export type SelectorOperator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

const binaryOperators: readonly SelectorOperator[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];
const allOperators: readonly SelectorOperator[] = [...binaryOperators, 'exists', '!'];

function integer(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?[0-9]{1,19}$/.test(text)) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** One condition on one label. Immutable; made by {@link newRequirement}. */
export class Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
  readonly #number: bigint | undefined;

  constructor(key: string, operator: SelectorOperator, values: readonly string[]) {
    this.key = key;
    this.operator = operator;
    this.values = values;
    this.#number = operator === 'gt' || operator === 'lt' ? integer(values[0]) : undefined;
  }

  /** Negative operators match when the label is absent; comparisons need an integer label. */
  matches(labels: Labels): boolean {
    const value = Object.hasOwn(labels, this.key) ? labels[this.key] : undefined;
    switch (this.operator) {
      case 'in':
      case '=':
      case '==':
        return value !== undefined && this.#has(value);
      case 'notin':
      case '!=':
        return value === undefined || !this.#has(value);
      case 'exists':
        return value !== undefined;
      case '!':
        return value === undefined;
      case 'gt':
      case 'lt':
        return this.#compares(value);
    }
  }

  toString(): string {
    const values = this.values.length > 1 ? this.values.toSorted().join(',') : (this.values[0] ?? '');
    switch (this.operator) {
      case 'exists':
        return this.key;
      case '!':
        return `!${this.key}`;
      case 'in':
      case 'notin':
        return `${this.key} ${this.operator} (${values})`;
      case 'gt':
        return `${this.key}>${values}`;
      case 'lt':
        return `${this.key}<${values}`;
      default:
        return `${this.key}${this.operator}${values}`;
    }
  }

  #has(value: string): boolean {
    return this.values.length === 1 ? this.values[0] === value : this.values.includes(value);
  }

  #compares(value: string | undefined): boolean {
    const given = integer(value);
    if (given === undefined || this.#number === undefined) return false;
    return this.operator === 'gt' ? given > this.#number : given < this.#number;
  }
}

function valuesErrors(operator: SelectorOperator, values: readonly string[], path: Path): FieldError[] {
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length > 0) return [];
      return [invalid(path, values, "for 'in', 'notin' operators, values set can't be empty")];
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? [] : [invalid(path, values, 'exact-match compatibility requires one single value')];
    case 'exists':
    case '!':
      if (values.length === 0) return [];
      return [invalid(path, values, 'values set must be empty for exists and does not exist')];
    case 'gt':
    case 'lt': {
      const exactlyOne = invalid(path, values, "for 'Gt', 'Lt' operators, exactly one value is required");
      const errors = values.length === 1 ? [] : [exactlyOne];
      for (const [i, value] of values.entries()) {
        if (integer(value) !== undefined) continue;
        errors.push(invalid(path.index(i), value, "for 'Gt', 'Lt' operators, the value must be an integer"));
      }
      return errors;
    }
  }
}

/**
 * A checked requirement.
 *
 * @throws Error with every complaint (`labels.NewRequirement`); `path` is where the requirement stands.
 */
export function newRequirement(
  key: string,
  operator: SelectorOperator,
  values: readonly string[],
  path: Path = Path.root,
): Requirement {
  const errors: FieldError[] = [];
  const keyErrors = isQualifiedName(key);
  if (keyErrors.length > 0) errors.push(invalid(path.child('key'), key, keyErrors.join('; ')));
  const valuesPath = path.child('values');
  if (allOperators.includes(operator)) errors.push(...valuesErrors(operator, values, valuesPath));
  else errors.push(notSupported(path.child('operator'), operator, allOperators));
  for (const [i, value] of values.entries()) {
    const bad = isValidLabelValue(value);
    if (bad.length > 0) errors.push(invalid(valuesPath.index(i).key(key), value, bad.join('; ')));
  }
  if (errors.length > 0) throw new Error(aggregateText(errors));
  return new Requirement(key, operator, values);
}

const noLabels: Labels = {};

/** A compiled selector. Immutable. */
export class Selector {
  /** Sorted by key; all must hold. */
  readonly requirements: readonly Requirement[];
  readonly #nothing: boolean;

  private constructor(requirements: readonly Requirement[], nothing: boolean) {
    this.requirements = requirements;
    this.#nothing = nothing;
  }

  static readonly everything: Selector = new Selector([], false);
  static readonly nothing: Selector = new Selector([], true);

  static of(requirements: readonly Requirement[]): Selector {
    if (requirements.length === 0) return Selector.everything;
    return new Selector(
      requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
      false,
    );
  }

  /** Matches exactly these labels, unchecked (`SelectorFromSet`); everything when there are none. */
  static fromLabels(labels: Labels | undefined): Selector {
    return Selector.of(Object.entries(labels ?? noLabels).map(([key, value]) => new Requirement(key, '=', [value])));
  }

  /** Whether it selects all. */
  get empty(): boolean {
    return !this.#nothing && this.requirements.length === 0;
  }

  /** Whether it selects none at all. */
  get selectsNothing(): boolean {
    return this.#nothing;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.#nothing) return false;
    for (const requirement of this.requirements) {
      if (!requirement.matches(labels ?? noLabels)) return false;
    }
    return true;
  }

  /** The one value that the selector requires of the label; undefined when there is no such value. */
  exactMatch(label: string): string | undefined {
    const first = this.requirements.find((r) => r.key === label);
    const exact = first?.operator === '=' || first?.operator === '==' || first?.operator === 'in';
    return exact && first.values.length === 1 ? first.values[0] : undefined;
  }

  /** A selector that asks for both. */
  and(...requirements: Requirement[]): Selector {
    return this.#nothing ? this : Selector.of([...this.requirements, ...requirements]);
  }

  /** The canonical text; empty for everything and for nothing. */
  toString(): string {
    return this.requirements.join(',');
  }
}

type TokenKind =
  | 'identifier'
  | 'end'
  | 'error'
  | ')'
  | '('
  | ','
  | '!'
  | '=='
  | '='
  | '>'
  | '<'
  | '!='
  | 'in'
  | 'notin';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const symbols: ReadonlySet<string> = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const isSymbol = (c: string): boolean => '=!(),><'.includes(c);
const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\r' || c === '\n';

/** The longest known symbol; a run that never forms one is an error token. */
function scanSymbol(text: string, start: number): { token: Token; next: number } {
  let last = '';
  let end = start;
  while (end < text.length && isSymbol(text.charAt(end))) {
    const longer = text.slice(start, end + 1);
    if (symbols.has(longer)) last = longer;
    else if (last !== '') break;
    end++;
  }
  if (last !== '') return { token: { kind: last as TokenKind, text: last }, next: end };
  return { token: { kind: 'error', text: `error expected: keyword found '${text.slice(start, end)}'` }, next: end };
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length && text.charCodeAt(at) !== 0) {
    const c = text.charAt(at);
    if (isSpace(c)) at++;
    else if (isSymbol(c)) {
      const { token, next } = scanSymbol(text, at);
      tokens.push(token);
      at = next;
    } else {
      let end = at;
      while (
        end < text.length &&
        text.charCodeAt(end) !== 0 &&
        !isSymbol(text.charAt(end)) &&
        !isSpace(text.charAt(end))
      )
        end++;
      const word = text.slice(at, end);
      tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
      at = end;
    }
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

const endToken: Token = { kind: 'end', text: '' };
const operatorOf: Partial<Record<TokenKind, SelectorOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind === 'end') return requirements;
      if (kind !== 'identifier' && kind !== '!') {
        throw new Error(`found '${text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirementInContext());
      const separator = this.#next();
      if (separator.kind === 'end') return requirements;
      if (separator.kind !== ',') throw new Error(`found '${separator.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.kind !== 'identifier' && after.kind !== '!') {
        throw new Error(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  /** In values and keys, `in` and `notin` are ordinary words. */
  #word(token: Token): Token {
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
  }

  #peek(): Token {
    return this.#word(this.#tokens[this.#at] ?? endToken);
  }

  #next(): Token {
    return this.#word(this.#tokens[this.#at++] ?? endToken);
  }

  #requirementInContext(): Requirement {
    try {
      return this.#requirement();
    } catch (error) {
      throw new Error(`unable to parse requirement: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }

  #requirement(): Requirement {
    let token = this.#next();
    const negated = token.kind === '!';
    if (negated) token = this.#next();
    if (token.kind !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const bad = isQualifiedName(key);
    if (bad.length > 0) throw new Error(fieldErrorText(invalid(Path.root, key, bad.join('; '))));
    const { kind } = this.#peek();
    if (negated) return newRequirement(key, '!', []);
    if (kind === 'end' || kind === ',') return newRequirement(key, 'exists', []);
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : this.#exactValue();
    return newRequirement(key, operator, values);
  }

  #operator(): SelectorOperator {
    const token = this.#tokens[this.#at++] ?? endToken;
    const operator = operatorOf[token.kind];
    if (operator === undefined) throw new Error(`found '${token.text}', expected: ${binaryOperators.join(', ')}`);
    return operator;
  }

  #exactValue(): string[] {
    const { kind } = this.#peek();
    if (kind === 'end' || kind === ',') return [''];
    const token = this.#next();
    if (token.kind !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`);
    return [token.text];
  }

  #values(): string[] {
    const open = this.#next();
    if (open.kind !== '(') throw new Error(`found '${open.text}' expected: '('`);
    const { kind, text } = this.#peek();
    if (kind === ')') {
      this.#next();
      return [''];
    }
    if (kind !== 'identifier' && kind !== ',') throw new Error(`found '${text}', expected: ',', ')' or identifier`);
    const values = this.#list();
    if (this.#next().kind !== ')') throw new Error(`found '${text}', expected: ')'`);
    return [...values].sort();
  }

  /** Words between commas, each of which may be missing and is then empty. */
  #list(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const token = this.#next();
      const { kind, text } = this.#peek();
      if (token.kind === 'identifier') {
        values.add(token.text);
        if (kind === ')') return values;
        if (kind !== ',') throw new Error(`found '${text}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (values.size === 0) values.add('');
        if (kind === ')') {
          values.add('');
          return values;
        }
        if (kind === ',') {
          this.#next();
          values.add('');
        }
      } else throw new Error(`found '${token.text}', expected: ',', or identifier`);
    }
  }
}

/**
 * Parses a selector.
 *
 * @throws Error worded as `labels.Parse` words it.
 */
export function parseSelector(text: string): Selector {
  return text === '' ? Selector.everything : Selector.of(new Parser(text).parse());
}
