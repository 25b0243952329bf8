/** Tokens with which nodes join (`plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go`). */
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { CacheDirectory } from '../../storage/cache.ts';
import type { TokenAuthenticator, TokenResult } from '../authenticator.ts';
import { asAuthenticated } from '../user.ts';

interface SecretObject extends ApiObject {
  type?: string;
  data?: Record<string, string>;
}

const tokenShape = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupShape = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const secretType = 'bootstrap.kubernetes.io/token';
const defaultGroup = 'system:bootstrappers';

/**
 * `<id>.<secret>`, kept in the secret `kube-system/bootstrap-token-<id>`. Whatever is wrong with it, it is just
 * not a token we know: nothing is told about why.
 */
export class BootstrapTokenAuthenticator implements TokenAuthenticator {
  readonly #caches: CacheDirectory;
  readonly #clock: Clock;

  constructor(caches: CacheDirectory, clock: Clock) {
    this.#caches = caches;
    this.#clock = clock;
  }

  authenticateToken(token: string, audiences: readonly string[]): TokenResult | undefined {
    const [, id, secretPart] = tokenShape.exec(token) ?? [];
    if (id === undefined || secretPart === undefined) return undefined;
    const entry = this.#caches.of({ group: '', resource: 'secrets' }).get('kube-system', `bootstrap-token-${id}`);
    if (entry === undefined) return undefined;
    const secret = entry.object as SecretObject;
    if (!this.#isUsable(secret, id, secretPart)) return undefined;
    const groups = extraGroups(dataOf(secret, 'auth-extra-groups'));
    if (groups === undefined) return undefined;
    return { user: asAuthenticated({ name: `system:bootstrap:${id}`, groups: [defaultGroup, ...groups] }), audiences };
  }

  #isUsable(secret: SecretObject, id: string, secretPart: string): boolean {
    return (
      secret.metadata.deletionTimestamp === undefined &&
      secret.type === secretType &&
      equalInConstantTime(dataOf(secret, 'token-secret'), secretPart) &&
      dataOf(secret, 'token-id') === id &&
      !this.#isExpired(dataOf(secret, 'expiration')) &&
      dataOf(secret, 'usage-bootstrap-authentication') === 'true'
    );
  }

  /** An expiration that cannot be read counts as passed. */
  #isExpired(expiration: string): boolean {
    if (expiration === '') return false;
    const at = Date.parse(expiration);
    return Number.isNaN(at) || at <= this.#clock.now();
  }
}

function dataOf(secret: SecretObject, key: string): string {
  const value = secret.data?.[key];
  return value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8');
}

function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `undefined` when one of them is not allowed. */
function extraGroups(list: string): string[] | undefined {
  if (list === '') return [];
  const groups = [...new Set(list.split(','))].toSorted();
  return groups.every((group) => groupShape.test(group)) ? groups : undefined;
}
