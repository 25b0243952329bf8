/** Parts that are known to others before they exist: each side of a cycle gets its turn. */
import { AdmissionChain, type AdmissionObserver } from '../admission/chain.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/plugin.ts';
import type { AuthorizationAttributes, Authorizer, Decision, RulesOf } from '../authorization/authorizer.ts';
import type { UserInfo } from './types.ts';

function unset(what: string): Error {
  return new Error(`the ${what} is asked before it is set`);
}

/** Authorizers read the caches, which the registry opens, whose endpoints ask the authorizer. */
export class DeferredAuthorizer implements Authorizer {
  #authorizer: Authorizer | undefined;

  set(authorizer: Authorizer): void {
    this.#authorizer = authorizer;
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    if (this.#authorizer === undefined) throw unset('authorizer');
    return this.#authorizer.authorize(attributes);
  }

  rulesFor(user: UserInfo, namespace: string): RulesOf {
    const rules = this.#authorizer?.rulesFor?.(user, namespace);
    if (rules === undefined) throw unset('authorizer');
    return rules;
  }
}

/** Admission plugins read the caches and write through the server, whose registry runs them. */
export class DeferredAdmissionChain extends AdmissionChain {
  #chain: AdmissionChain | undefined;

  setPlugins(plugins: readonly AdmissionPlugin[], observer?: AdmissionObserver): void {
    this.#chain = new AdmissionChain(plugins, observer);
  }

  override admit(attributes: AdmissionAttributes): void | Promise<void> {
    if (this.#chain === undefined) throw unset('admission chain');
    return this.#chain.admit(attributes);
  }

  override validate(attributes: AdmissionAttributes): void | Promise<void> {
    if (this.#chain === undefined) throw unset('admission chain');
    return this.#chain.validate(attributes);
  }
}
