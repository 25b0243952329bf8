/**
 * Field selectors: `metadata.name=a,spec.nodeName!=b` (`k8s.io/apimachinery/pkg/fields/selector.go`).
 */

/** One term of a selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Values of the selectable fields of one object; absent ones read as empty. */
export type Fields = Readonly<Record<string, string>>;

const operators = ['!=', '==', '='] as const;

/** Backslash before each backslash, comma and equals sign. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

/** The inverse of {@link escapeFieldValue}. @throws Error on a bare mark or an unknown escape. */
export function unescapeFieldValue(text: string): string {
  let value = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === ',' || c === '=') {
      throw new Error(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`);
    }
    if (c !== '\\') {
      value += c;
      continue;
    }
    const next = text.charAt(++i);
    if (next !== '\\' && next !== ',' && next !== '=') {
      throw new Error(`invalid field selector: invalid escape sequence: \\${next}`);
    }
    value += next;
  }
  return value;
}

/** Splits at commas that no backslash escapes. */
function splitTerms(selector: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < selector.length; i++) {
    const c = selector.charAt(i);
    if (c === '\\') i++;
    else if (c === ',') {
      terms.push(selector.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(selector.slice(start));
  return terms;
}

function parseTerm(term: string): FieldRequirement | undefined {
  for (let i = 0; i < term.length; i++) {
    const operator = operators.find((op) => term.startsWith(op, i));
    if (operator === undefined) continue;
    const value = unescapeFieldValue(term.slice(i + operator.length));
    return { field: term.slice(0, i), operator: operator === '!=' ? '!=' : '=', value };
  }
  return undefined;
}

/** A parsed field selector. Immutable. */
export class FieldSelector {
  /** Sorted by their text. */
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  static readonly everything: FieldSelector = new FieldSelector([]);

  /** Whether it selects all. */
  get empty(): boolean {
    return this.requirements.length === 0;
  }

  matches(fields: Fields): boolean {
    for (const { field, operator, value } of this.requirements) {
      if (((fields[field] ?? '') === value) !== (operator === '=')) return false;
    }
    return true;
  }

  /** The value that one `=` requirement asks of the field; undefined when none does. */
  exactMatch(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === '=')?.value;
  }

  /** A selector whose fields and values went through `change` (`Selector.Transform`), which may throw. */
  transform(change: (field: string, value: string) => [field: string, value: string]): FieldSelector {
    return new FieldSelector(
      this.requirements.map((r) => {
        const [field, value] = change(r.field, r.value);
        return { field, operator: r.operator, value };
      }),
    );
  }

  toString(): string {
    return this.requirements.map((r) => `${r.field}${r.operator}${escapeFieldValue(r.value)}`).join(',');
  }
}

/**
 * Parses a field selector; empty terms are ignored.
 *
 * @throws Error worded as upstream words it.
 */
export function parseFieldSelector(selector: string): FieldSelector {
  if (selector === '') return FieldSelector.everything;
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(selector).sort()) {
    if (term === '') continue;
    const requirement = parseTerm(term);
    if (requirement === undefined) {
      throw new Error(`invalid selector: '${selector}'; can't understand '${term}'`);
    }
    requirements.push(requirement);
  }
  return new FieldSelector(requirements);
}
