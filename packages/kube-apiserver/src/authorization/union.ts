/** Several authorizers asked in turn (`apiserver/pkg/authorization/union/union.go`). */
import type { UserInfo } from '../server/types.ts';
import type { AuthorizationAttributes, Authorizer, Decision, RulesOf } from './authorizer.ts';

/** The first that allows or denies decides. Without one, the reasons of all are joined by line breaks. */
export class UnionAuthorizer implements Authorizer {
  readonly #members: readonly Authorizer[];

  constructor(members: readonly Authorizer[]) {
    this.#members = members;
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    return this.#from(0, attributes, '');
  }

  #from(start: number, attributes: AuthorizationAttributes, reasonsSoFar: string): Decision | Promise<Decision> {
    let reasons = reasonsSoFar;
    for (let i = start; i < this.#members.length; i++) {
      const decision = this.#members[i]?.authorize(attributes);
      if (decision === undefined) continue;
      if (decision instanceof Promise) return this.#continueAfter(decision, i, attributes, reasons);
      if (decision.decision !== 'no-opinion') return decision;
      reasons = joinReasons(reasons, decision.reason);
    }
    return { decision: 'no-opinion', reason: reasons };
  }

  async #continueAfter(
    pending: Promise<Decision>,
    at: number,
    attributes: AuthorizationAttributes,
    reasons: string,
  ): Promise<Decision> {
    const decision = await pending;
    if (decision.decision !== 'no-opinion') return decision;
    return this.#from(at + 1, attributes, joinReasons(reasons, decision.reason));
  }

  rulesFor(user: UserInfo, namespace: string): RulesOf {
    const all = this.#members.map((member) => member.rulesFor?.(user, namespace)).filter((r) => r !== undefined);
    const errors = all.map((r) => r.evaluationError).filter((e) => e !== '');
    return {
      resourceRules: all.flatMap((r) => r.resourceRules),
      nonResourceRules: all.flatMap((r) => r.nonResourceRules),
      incomplete: all.some((r) => r.incomplete),
      evaluationError: errors.length < 2 ? (errors[0] ?? '') : `[${errors.join(', ')}]`,
    };
  }
}

function joinReasons(a: string, b: string): string {
  return a === '' ? b : b === '' ? a : `${a}\n${b}`;
}
