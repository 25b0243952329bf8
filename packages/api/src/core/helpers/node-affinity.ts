/**
 * Which nodes a pod wants: node selectors and preferences, compiled once and matched against many nodes
 * (upstream `component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`).
 */
import { fieldErrorText, invalid, notSupported, Path } from '@kubets/apimachinery/field';
import { newRequirement, Selector, type Requirement, type SelectorOperator } from '@kubets/apimachinery/labels';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PreferredSchedulingTerm,
} from '../../generated/types/core-v1.ts';

/** What is looked at of a node. */
export interface NodeLike {
  readonly metadata: Pick<ObjectMeta, 'name' | 'labels'>;
}

interface FieldRequirement {
  readonly key: string;
  readonly value: string;
  readonly equal: boolean;
}

const operators: Readonly<Record<NodeSelectorRequirement['operator'], SelectorOperator>> = {
  DoesNotExist: '!',
  Exists: 'exists',
  Gt: 'gt',
  In: 'in',
  Lt: 'lt',
  NotIn: 'notin',
};
const operatorNames = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function labelSelectorOf(term: Readonly<NodeSelectorTerm>, path: Path, errors: string[]): Selector {
  const requirements: Requirement[] = [];
  for (const [i, { key, operator, values }] of (term.matchExpressions ?? []).entries()) {
    const at = path.child('matchExpressions').index(i);
    if (!Object.hasOwn(operators, operator)) {
      errors.push(fieldErrorText(notSupported(at.child('operator'), operator, operatorNames)));
      continue;
    }
    try {
      requirements.push(newRequirement(key, operators[operator], values ?? [], at));
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error));
    }
  }
  return Selector.of(requirements);
}

function fieldRequirementsOf(term: Readonly<NodeSelectorTerm>, path: Path, errors: string[]): FieldRequirement[] {
  const requirements: FieldRequirement[] = [];
  for (const [i, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = path.child('matchFields').index(i);
    const [value] = values;
    if (operator !== 'In' && operator !== 'NotIn') {
      errors.push(fieldErrorText(notSupported(at.child('operator'), operator, ['In', 'NotIn'])));
    } else if (value === undefined || values.length > 1) {
      errors.push(fieldErrorText(invalid(at.child('values'), values, 'must have one element')));
    } else requirements.push({ key, value, equal: operator === 'In' });
  }
  return requirements;
}

/** One term: all of its expressions and fields must hold. A term with a mistake in it matches nothing. */
export class CompiledNodeSelectorTerm {
  /** Complaints about the term, as upstream words them. */
  readonly errors: readonly string[];
  readonly labels: Selector;
  /** The one node that the term allows by `metadata.name`, when it names one. */
  readonly nodeName: string | undefined;
  readonly #fields: readonly FieldRequirement[];

  constructor(term: Readonly<NodeSelectorTerm>, path: Path = Path.root) {
    const errors: string[] = [];
    this.labels = labelSelectorOf(term, path, errors);
    this.#fields = fieldRequirementsOf(term, path, errors);
    this.errors = errors;
    this.nodeName = this.#fields.find(({ key, equal }) => equal && key === 'metadata.name')?.value;
  }

  matches(node: NodeLike): boolean {
    if (this.errors.length > 0 || !this.labels.matches(node.metadata.labels)) return false;
    const { name = '' } = node.metadata;
    // A node that is made up (for planning) has no name: then its fields are not looked at.
    if (name === '') return true;
    for (const { key, value, equal } of this.#fields) {
      if (((key === 'metadata.name' ? name : '') === value) !== equal) return false;
    }
    return true;
  }
}

const isEmptyTerm = (term: Readonly<NodeSelectorTerm>): boolean =>
  (term.matchExpressions?.length ?? 0) === 0 && (term.matchFields?.length ?? 0) === 0;

/** A node selector: any of its terms must match; without a term that asks for anything, no node does (`NodeSelector`). */
export class CompiledNodeSelector {
  readonly terms: readonly CompiledNodeSelectorTerm[];

  constructor(selector: Readonly<NodeSelector>, path: Path = Path.root) {
    const at = path.child('nodeSelectorTerms');
    this.terms = (selector.nodeSelectorTerms ?? []).flatMap((term, i) =>
      isEmptyTerm(term) ? [] : [new CompiledNodeSelectorTerm(term, at.index(i))],
    );
  }

  /** Complaints about all terms; they matter only where no term matches (`LazyErrorNodeSelector`). */
  get errors(): readonly string[] {
    return this.terms.flatMap((term) => term.errors);
  }

  matches(node: NodeLike): boolean {
    for (const term of this.terms) if (term.matches(node)) return true;
    return false;
  }
}

/** What a pod demands of its node: `nodeSelector` and required node affinity (`RequiredNodeAffinity`). */
export class RequiredNodeAffinity {
  /** From `spec.nodeSelector`; undefined: anything. */
  readonly labels: Selector | undefined;
  /** From the affinity; undefined: anything. */
  readonly selector: CompiledNodeSelector | undefined;

  /** Of a pod, or of a pod template's spec (`GetRequiredNodeAffinity`). */
  constructor(spec: Readonly<Pod>['spec']) {
    const { nodeSelector } = spec ?? {};
    const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    const given = nodeSelector !== undefined && Object.keys(nodeSelector).length > 0;
    this.labels = given ? Selector.fromLabels(nodeSelector) : undefined;
    this.selector = required === undefined ? undefined : new CompiledNodeSelector(required);
  }

  /** Whether it demands anything at all. */
  get isEmpty(): boolean {
    return this.labels === undefined && this.selector === undefined;
  }

  matches(node: NodeLike): boolean {
    if (this.labels !== undefined && !this.labels.matches(node.metadata.labels)) return false;
    return this.selector === undefined || this.selector.matches(node);
  }
}

/** Preferred terms of node affinity (`PreferredSchedulingTerms`). */
export class PreferredNodeTerms {
  readonly #terms: readonly { readonly term: CompiledNodeSelectorTerm; readonly weight: number }[];

  /** Terms of weight 0 and terms that ask for nothing are left out. */
  constructor(terms: readonly Readonly<PreferredSchedulingTerm>[] | undefined, path: Path = Path.root) {
    this.#terms = (terms ?? []).flatMap(({ weight, preference }, i) =>
      weight === 0 || isEmptyTerm(preference)
        ? []
        : [{ term: new CompiledNodeSelectorTerm(preference, path.index(i)), weight }],
    );
  }

  /** Complaints about the terms; upstream refuses all of them when there is one. */
  get errors(): readonly string[] {
    return this.#terms.flatMap(({ term }) => term.errors);
  }

  get isEmpty(): boolean {
    return this.#terms.length === 0;
  }

  /** The sum of the weights of the terms that match. */
  score(node: NodeLike): number {
    let sum = 0;
    for (const { term, weight } of this.#terms) if (term.matches(node)) sum += weight;
    return sum;
  }
}
