/** A front proxy that vouches for its users (`apiserver/pkg/authentication/request/headerrequest/requestheader.go`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { headerValues } from '../../server/header-values.ts';
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

const valuesOf = (request: ApiRequest, name: string): string[] =>
  headerValues(request, name).filter((value) => value !== '');

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
    return this.#userOf(request);
  }

  #userOf(request: ApiRequest): UserInfo | undefined {
    const first = (names: readonly string[]): string | undefined =>
      names.map((name) => headerValues(request, name)[0]).find((value) => value !== undefined && value !== '');
    const name = first(this.#options.usernameHeaders);
    if (name === undefined) return undefined;
    const uid = first(this.#options.uidHeaders);
    const groups = this.#options.groupHeaders.flatMap((header) => valuesOf(request, header));
    const extra = this.#extraOf(request);
    return asAuthenticated({
      name,
      groups,
      ...(uid !== undefined && { uid }),
      ...(Object.keys(extra).length > 0 && { extra }),
    });
  }

  #extraOf(request: ApiRequest): Record<string, string[]> {
    const extra = new Map<string, string[]>();
    for (const header of Object.keys(request.headers)) {
      const prefix = this.#options.extraHeaderPrefixes.find((p) => header.startsWith(p));
      if (prefix === undefined) continue;
      const key = unescapeKey(header.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...valuesOf(request, header)]);
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
