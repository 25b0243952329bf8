/** A role's rules, arranged so that a decision looks at the few rules that name the resource. */
import type { AuthorizationAttributes } from '../authorizer.ts';
import { ruleAllows } from './rule-matching.ts';
import type { PolicyRule } from './types.ts';

/** Immutable: a changed role is compiled anew. */
export class CompiledRules {
  readonly rules: readonly PolicyRule[];
  readonly #byResource = new Map<string, PolicyRule[]>();
  readonly #nonResource: PolicyRule[] = [];

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    for (const rule of rules) this.#add(rule);
  }

  #add(rule: PolicyRule): void {
    if ((rule.nonResourceURLs?.length ?? 0) > 0) this.#nonResource.push(rule);
    for (const resource of new Set(rule.resources)) {
      const known = this.#byResource.get(resource);
      if (known === undefined) this.#byResource.set(resource, [rule]);
      else known.push(rule);
    }
  }

  /** `combined` is the attributes' {@link combinedResource}, made once per request. */
  allows(attributes: AuthorizationAttributes, combined: string): boolean {
    if (!attributes.isResourceRequest) return anyAllows(this.#nonResource, attributes);
    return (
      anyAllows(this.#byResource.get(combined), attributes) ||
      anyAllows(this.#byResource.get('*'), attributes) ||
      (attributes.subresource !== '' && anyAllows(this.#byResource.get(`*/${attributes.subresource}`), attributes))
    );
  }
}

function anyAllows(rules: readonly PolicyRule[] | undefined, attributes: AuthorizationAttributes): boolean {
  if (rules === undefined) return false;
  for (const rule of rules) if (ruleAllows(attributes, rule)) return true;
  return false;
}
