/**
 * Fills secrets of type `kubernetes.io/service-account-token`, and removes those whose service account is gone
 * (`pkg/controller/serviceaccount/tokens_controller.go`).
 */
import type { Secret, ServiceAccount } from '@kubets/api/types/core-v1';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { keyOf, splitKey, type SharedInformer, type WorkQueue } from '@kubets/client';
import { secrets, serviceAccounts } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { ensureIndex } from '../lib/ensure-index.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { LegacyTokenSigner } from './legacy-token.ts';
import { accountNameOf, filledSecret, isTokenOf, isTokenSecret, withoutSecret, type TokenSources } from './plan.ts';

const defaultWorkers = 5;
const maxRetries = 10;
const tokensOfAccount = 'tokensOfAccount';

/** Token secrets by the account they name. */
const byAccount = (secret: Readonly<Secret>): readonly string[] => {
  const name = accountNameOf(secret);
  return name === '' ? [] : [`${secret.metadata.namespace ?? ''}/${name}`];
};

class TokenController {
  readonly #context: ControllerContext;
  readonly #sources: TokenSources;
  readonly #secrets: SharedInformer<Secret>;
  readonly #accounts: SharedInformer<ServiceAccount>;
  readonly #queue: WorkQueue<string>;
  /** Secrets that were deleted: the account they named, by key. */
  readonly #lost = new Map<string, Readonly<Secret>>();

  constructor(context: ControllerContext, sources: TokenSources) {
    this.#context = context;
    this.#sources = sources;
    this.#secrets = context.informers.informer(secrets);
    this.#accounts = context.informers.informer(serviceAccounts);
    this.#queue = context.queue('serviceaccount_tokens_secret');
    ensureIndex(this.#secrets, tokensOfAccount, byAccount);
    this.#follow();
  }

  controller(): Controller {
    return reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#secrets, this.#accounts],
      workers: workersOf(this.#context, defaultWorkers),
      maxRetries,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  #follow(): void {
    const enqueue = (secret: Readonly<Secret>): void => {
      if (isTokenSecret(secret)) this.#queue.add(keyOf(secret));
    };
    this.#secrets.addEventHandler({
      onAdd: enqueue,
      onUpdate: (_old, secret) => enqueue(secret),
      onDelete: (secret) => {
        if (!isTokenSecret(secret)) return;
        this.#lost.set(keyOf(secret), secret);
        enqueue(secret);
      },
    });
    const onAccount = (account: Readonly<ServiceAccount>): void => {
      for (const key of this.#secrets.store.keysByIndex(tokensOfAccount, keyOf(account))) this.#queue.add(key);
    };
    // One that comes may be what a secret has waited for; one that goes takes its secrets along.
    this.#accounts.addEventHandler({ onAdd: onAccount, onDelete: onAccount });
  }

  async #reconcile(key: string): Promise<void> {
    const secret = this.#secrets.store.get(key);
    const lost = this.#lost.get(key);
    if (secret === undefined && lost !== undefined) await this.#removeReference(lost);
    this.#lost.delete(key);
    if (secret === undefined || !isTokenSecret(secret)) return;
    const account = await this.#accountOf(secret);
    if (account === undefined) return await this.#delete(secret);
    if (filledSecret(secret, account, this.#sources) === undefined) return;
    await this.#fill(key, account);
  }

  /** From the cache, else from the API server: a secret is not deleted because a watch is slow. */
  async #accountOf(secret: Readonly<Secret>): Promise<Readonly<ServiceAccount> | undefined> {
    const { namespace = '' } = secret.metadata;
    const name = accountNameOf(secret);
    if (name === '') return undefined;
    const cached = this.#accounts.store.get(`${namespace}/${name}`);
    if (cached !== undefined && isTokenOf(secret, cached)) return cached;
    try {
      const live = await this.#context.client.serviceAccounts(namespace).get(name);
      return isTokenOf(secret, live) ? live : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #delete(secret: Readonly<Secret>): Promise<void> {
    const { name = '', namespace = '', uid = '' } = secret.metadata;
    try {
      await this.#context.client.secrets(namespace).delete(name, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** By the newest state: of several controllers one signs. */
  async #fill(key: string, account: Readonly<ServiceAccount>): Promise<void> {
    const { namespace, name } = splitKey(key);
    const client = this.#context.client.secrets(namespace);
    try {
      const live = await client.get(name);
      const filled = isTokenOf(live, account) ? filledSecret(live, account, this.#sources) : undefined;
      if (filled !== undefined) await client.update(filled);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #removeReference(secret: Readonly<Secret>): Promise<void> {
    const { name = '', namespace = '' } = secret.metadata;
    const cached = this.#accounts.store.get(`${namespace}/${accountNameOf(secret)}`);
    if (cached === undefined || !isTokenOf(secret, cached) || withoutSecret(cached, name) === undefined) return;
    try {
      const client = this.#context.client.serviceAccounts(namespace);
      const live = await client.get(cached.metadata.name ?? '');
      const changed = isTokenOf(secret, live) ? withoutSecret(live, name) : undefined;
      if (changed !== undefined) await client.update(changed);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

export const serviceAccountTokenController: ControllerDescriptor = {
  name: 'serviceaccount-token-controller',
  create(context) {
    const { serviceAccountPrivateKey, rootCa } = context.options;
    if (serviceAccountPrivateKey === undefined) {
      const text = 'no private key is given (--service-account-private-key-file): secrets get no tokens';
      context.log.warn({ controller: context.name }, text);
      return undefined;
    }
    const signer = new LegacyTokenSigner(serviceAccountPrivateKey);
    const sources: TokenSources = { rootCa, sign: (account, secret) => signer.sign(account, secret) };
    return new TokenController(context, sources).controller();
  },
};
