/** Removes tokens in secrets that nobody has used for a year (`pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`). */
import type { Secret, ServiceAccount } from '@kubets/api/types/core-v1';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { namespaceIndex, waitForCacheSync } from '@kubets/client';
import { pods, secrets, serviceAccounts } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { accountNameOf, isTokenOf, isTokenSecret } from '../service-account-token/plan.ts';
import { runEvery } from '../lib/run-every.ts';
import { dateOf, fateOf, invalidSinceLabel, isTrackedLongEnough, secretsOfPod } from './plan.ts';

const intervalMs = 24 * 60 * 60 * 1000;
const tracking = 'kube-apiserver-legacy-service-account-token-tracking';

class LegacyTokenCleaner implements Controller {
  readonly #context: ControllerContext;
  readonly #secrets;
  readonly #accounts;
  readonly #pods;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#secrets = context.informers.informer(secrets);
    this.#accounts = context.informers.informer(serviceAccounts);
    this.#pods = context.informers.informer(pods);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, name: controller } = this.#context;
    try {
      await waitForCacheSync(signal, this.#secrets, this.#accounts, this.#pods);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await runEvery(clock, intervalMs, {
      signal,
      pass: () => this.#clean(),
      onError: (error) => log.error({ controller, error: String(error) }, 'old tokens could not be looked through'),
    });
  }

  async #clean(): Promise<void> {
    const { clock, options } = this.#context;
    const period = options.legacyServiceAccountTokenCleanUpPeriodMs;
    const now = clock.now();
    const since = await this.#trackedSince();
    if (since === undefined || !isTrackedLongEnough(since, now, period)) return;
    const mounted = new Map<string, Set<string>>();
    for (const secret of this.#secrets.store.list()) {
      if (!isTokenSecret(secret)) continue;
      const { name = '', namespace = '' } = secret.metadata;
      const facts = {
        secret,
        account: this.#accountOf(secret),
        mounted: this.#mountedIn(namespace, mounted).has(name),
      };
      const fate = fateOf(facts, now, period);
      if (fate !== 'keep') await this.#act(secret, fate, now);
    }
  }

  /** API servers that track the use of tokens say since when; where none does, nothing is known of any token. */
  async #trackedSince(): Promise<string | undefined> {
    try {
      const { data } = await this.#context.client.configMaps('kube-system').get(tracking);
      return data?.['since'];
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #accountOf(secret: Readonly<Secret>): Readonly<ServiceAccount> | undefined {
    const account = this.#accounts.store.get(`${secret.metadata.namespace ?? ''}/${accountNameOf(secret)}`);
    return account !== undefined && isTokenOf(secret, account) ? account : undefined;
  }

  #mountedIn(namespace: string, known: Map<string, Set<string>>): Set<string> {
    let names = known.get(namespace);
    if (names === undefined) {
      names = new Set();
      for (const pod of this.#pods.store.byIndex(namespaceIndex, namespace))
        for (const name of secretsOfPod(pod)) names.add(name);
      known.set(namespace, names);
    }
    return names;
  }

  async #act(secret: Readonly<Secret>, fate: 'mark-invalid' | 'delete', now: number): Promise<void> {
    const { client, log, name: controller } = this.#context;
    const { name = '', namespace = '', uid = '', resourceVersion = '' } = secret.metadata;
    try {
      if (fate === 'delete') await client.secrets(namespace).delete(name, { preconditions: { resourceVersion } });
      else {
        const body = { metadata: { uid, labels: { [invalidSinceLabel]: dateOf(now) } } };
        await client.secrets(namespace).patch(name, { type: 'application/merge-patch+json', body });
      }
    } catch (error) {
      // Used or changed meanwhile: the next round judges it anew.
      if (isConflict(error) || isNotFound(error)) return;
      log.error({ controller, secret: `${namespace}/${name}`, error: String(error) }, `could not ${fate} a token`);
    }
  }
}

export const legacyServiceAccountTokenCleanerController: ControllerDescriptor = {
  name: 'legacy-serviceaccount-token-cleaner-controller',
  create: (context) => new LegacyTokenCleaner(context),
};
