/**
 * Who may read what a component serves besides its health: the API server is asked, by TokenReview and SubjectAccessReview
 * (`apiserver/pkg/server/options/{authentication,authorization}.go`, delegating).
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { kubeClient, type Transport } from '@kubets/client';

/** As `authentication.k8s.io/v1` UserInfo names its fields. */
export interface Caller {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface Credentials {
  readonly bearerToken: string | undefined;
  /** Who a verified client certificate says it is. */
  readonly certificate: Caller | undefined;
}

export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: 401 | 403 | 500; readonly message: string };

export interface DelegatedAccessOptions {
  readonly clock: Clock;
  /** Asked about tokens; undefined: nobody is known by a token. */
  readonly authentication: Transport | undefined;
  /** Asked about rights; undefined: only `system:masters` has any. */
  readonly authorization: Transport | undefined;
  /** `--authorization-always-allow-paths`; a `*` at the end stands for the rest. */
  readonly alwaysAllowPaths: readonly string[];
  readonly tokenTtlMs: number;
  readonly allowedTtlMs: number;
  readonly deniedTtlMs: number;
}

const anonymous: Caller = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Answers that are kept for a while; a few hundred at most. */
class Kept<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.until > this.#clock.monotonic() ? entry.value : undefined;
  }

  set(key: string, value: T, ttlMs: number): void {
    if (this.#entries.size > 500) this.#entries.clear();
    this.#entries.set(key, { value, until: this.#clock.monotonic() + ttlMs });
  }
}

export class DelegatedAccess {
  readonly #options: DelegatedAccessOptions;
  readonly #tokens: Kept<Caller>;
  readonly #rights: Kept<boolean>;

  constructor(options: DelegatedAccessOptions) {
    this.#options = options;
    this.#tokens = new Kept(options.clock);
    this.#rights = new Kept(options.clock);
  }

  /** Whether the path is open to everybody. */
  isOpen(path: string): boolean {
    return this.#options.alwaysAllowPaths.some((open) =>
      open.endsWith('*') ? path.startsWith(open.slice(0, -1)) : path === open,
    );
  }

  /** Never rejects: a review that fails is a verdict of 500. */
  async decide(path: string, credentials: Credentials): Promise<Verdict> {
    if (this.isOpen(path)) return { allowed: true };
    try {
      const caller = await this.#authenticate(credentials);
      if (caller === undefined) return { allowed: false, code: 401, message: 'Unauthorized' };
      if (await this.#may(caller, path)) return { allowed: true };
      return {
        allowed: false,
        code: 403,
        message: `forbidden: User ${JSON.stringify(caller.username)} cannot get path ${JSON.stringify(path)}`,
      };
    } catch (error) {
      return { allowed: false, code: 500, message: `Internal Server Error: ${String(error)}` };
    }
  }

  async #authenticate({ bearerToken, certificate }: Credentials): Promise<Caller | undefined> {
    if (certificate !== undefined) return certificate;
    if (bearerToken === undefined) return anonymous;
    const known = this.#tokens.get(bearerToken);
    const { authentication, tokenTtlMs } = this.#options;
    if (known !== undefined || authentication === undefined) return known;
    const review = await kubeClient(authentication)
      .tokenReviews()
      .create({ metadata: {}, spec: { token: bearerToken } });
    const { authenticated, user } = review.status ?? {};
    if (authenticated !== true) return undefined;
    const caller = { username: user?.username ?? '', groups: user?.groups ?? [] };
    this.#tokens.set(bearerToken, caller, tokenTtlMs);
    return caller;
  }

  async #may({ username, groups }: Caller, path: string): Promise<boolean> {
    if (groups.includes('system:masters')) return true;
    const { authorization, allowedTtlMs, deniedTtlMs } = this.#options;
    if (authorization === undefined) return false;
    const key = JSON.stringify([username, groups, path]);
    const known = this.#rights.get(key);
    if (known !== undefined) return known;
    const review = await kubeClient(authorization)
      .subjectAccessReviews()
      .create({
        metadata: {},
        spec: { user: username, groups: [...groups], nonResourceAttributes: { path, verb: 'get' } },
      });
    const allowed = review.status?.allowed === true;
    this.#rights.set(key, allowed, allowed ? allowedTtlMs : deniedTtlMs);
    return allowed;
  }
}
