/** Requests as a service account of kube-system (`controller-manager/pkg/clientbuilder/client_builder_dynamic.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { isAlreadyExists, isNotFound } from '@kubets/apimachinery/status';
import { parseTime } from '@kubets/apimachinery/time';
import type { TokenRequest } from '@kubets/api/types/authentication-v1';
import {
  HttpTransport,
  kubeClient,
  ManagedTransport,
  type ClientConfig,
  type RequestPolicy,
  type Transport,
  type TransportRequest,
  type TransportResponse,
  type WatchStream,
} from '@kubets/client';

const namespace = 'kube-system';
const tokenSeconds = 3600;
/** A token is renewed when this part of its life is left. */
const renewBelow = 0.2;

export interface AccountTransportOptions {
  readonly account: string;
  /** The server, and the identity that may ask for tokens. */
  readonly config: ClientConfig;
  readonly manager: Transport;
  readonly policy: RequestPolicy;
}

/** Asks for a token before its first request, and again before that one ends. Makes the account when there is none. */
export class AccountTransport implements Transport {
  readonly #options: AccountTransportOptions;
  readonly #inner: Transport;
  readonly #clock: Clock;
  #token = '';
  #renewAt = 0;
  #asking: Promise<void> | undefined;

  constructor(options: AccountTransportOptions) {
    const { config, policy } = options;
    this.#options = options;
    this.#clock = policy.clock;
    const { cert: _cert, key: _key, ...rest } = config;
    this.#inner = new ManagedTransport(
      new HttpTransport({ ...rest, clock: policy.clock, token: () => this.#token }),
      policy,
    );
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    await this.#fresh();
    return await this.#inner.request(request);
  }

  async watch(request: TransportRequest): Promise<WatchStream> {
    await this.#fresh();
    return await this.#inner.watch(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async #fresh(): Promise<void> {
    if (this.#clock.now() < this.#renewAt) return;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { token, expirationTimestamp } = (await this.#requestToken()).status ?? {};
    if (token === undefined || expirationTimestamp === undefined) throw new Error('the server gave no token');
    this.#token = token;
    const now = this.#clock.now();
    this.#renewAt = now + (parseTime(expirationTimestamp) - now) * (1 - renewBelow);
  }

  async #requestToken(): Promise<TokenRequest> {
    const { account, manager } = this.#options;
    const accounts = kubeClient(manager).serviceAccounts(namespace);
    const body = {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {},
      spec: { audiences: [], expirationSeconds: tokenSeconds },
    };
    const ask = (): Promise<TokenRequest> => accounts.createSubresource<TokenRequest>(account, 'token', { ...body });
    try {
      return await ask();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await accounts.create({ metadata: { name: account, namespace } }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
    return await ask();
  }
}
