/** A front proxy that vouches for its users (`apiserver/pkg/authentication/request/headerrequest/requestheader.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiRequest, UserInfo } from '../../server/types.ts';
import type { RequestAuthenticator } from '../authenticator.ts';
import { BadTokenError, unauthorized } from '../errors.ts';
import { asAuthenticated } from '../user.ts';

export interface RequestHeaderOptions {
  /** Common names of proxies to trust; empty: any certificate of the front-proxy CA. */
  readonly allowedNames: readonly string[];
  /** Header names are compared in lower case. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

/** What kubeadm configures. */
export const defaultRequestHeaders: RequestHeaderOptions = {
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
};

const lower = (names: readonly string[]): string[] => names.map((name) => name.toLowerCase());

/** Several values of one header come joined with ', '. */
const split = (value: string): string[] => value.split(', ').filter((part) => part !== '');

/** Trusts the headers only behind a certificate of the front-proxy CA. */
export class RequestHeaderAuthenticator implements RequestAuthenticator {
  readonly #options: RequestHeaderOptions;
  readonly #clock: Clock;

  constructor(options: RequestHeaderOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = {
      allowedNames: options.allowedNames,
      usernameHeaders: lower(options.usernameHeaders),
      uidHeaders: lower(options.uidHeaders),
      groupHeaders: lower(options.groupHeaders),
      extraHeaderPrefixes: lower(options.extraHeaderPrefixes),
    };
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const { peer } = request;
    if (peer.transport !== 'tls' || peer.certificate?.issuer !== 'front-proxy-ca') return undefined;
    const { commonName, notAfter } = peer.certificate;
    const { allowedNames } = this.#options;
    if (this.#clock.now() > notAfter) throw unauthorized(new BadTokenError('x509: certificate has expired'));
    if (allowedNames.length > 0 && !allowedNames.includes(commonName)) {
      throw unauthorized(new BadTokenError(`x509: subject with cn=${commonName} is not in the allowed list`));
    }
    return this.#userOf(request.headers);
  }

  #userOf(headers: ApiRequest['headers']): UserInfo | undefined {
    const first = (names: readonly string[]): string | undefined =>
      names.map((n) => headers[n]).find((v) => v !== undefined && v !== '');
    const name = first(this.#options.usernameHeaders);
    if (name === undefined) return undefined;
    const uid = first(this.#options.uidHeaders);
    const groups = this.#options.groupHeaders.flatMap((header) => split(headers[header] ?? ''));
    const extra = this.#extraOf(headers);
    return asAuthenticated({
      name,
      groups,
      ...(uid !== undefined && { uid }),
      ...(Object.keys(extra).length > 0 && { extra }),
    });
  }

  #extraOf(headers: ApiRequest['headers']): Record<string, string[]> {
    const extra = new Map<string, string[]>();
    for (const [header, value] of Object.entries(headers)) {
      const prefix = this.#options.extraHeaderPrefixes.find((p) => header.startsWith(p));
      if (prefix === undefined || value === undefined) continue;
      const key = unescapeKey(header.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...split(value)]);
    }
    return Object.fromEntries(extra);
  }
}

/** Keys may be percent-encoded; those that are not valid so are taken as they are. */
function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
