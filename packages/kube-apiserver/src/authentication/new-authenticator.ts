/** All authenticators of a server, in upstream's order (`pkg/kubeapiserver/authenticator/config.go` Config.New). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { UserInfo } from '../server/types.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { anonymousAuthenticator, type AnonymousOptions } from './anonymous.ts';
import type { RequestAuthenticator, TokenAuthenticator } from './authenticator.ts';
import { BootstrapTokenAuthenticator } from './bootstrap-token/bootstrap-token-authenticator.ts';
import {
  RequestHeaderAuthenticator,
  type RequestHeaderOptions,
} from './request-header/request-header-authenticator.ts';
import type { VerificationKey } from './serviceaccount/keys.ts';
import { ServiceAccountAuthenticator } from './serviceaccount/service-account-authenticator.ts';
import { BearerTokenAuthenticator } from './token/bearer-token.ts';
import { TokenFileAuthenticator } from './token/token-file.ts';
import { UnionTokenAuthenticator } from './token/token-union.ts';
import { failOnError, UnionRequestAuthenticator } from './union.ts';
import { X509Authenticator } from './x509/x509-authenticator.ts';

export interface AuthenticatorOptions {
  readonly caches: CacheDirectory;
  readonly clock: Clock;
  /** `--api-audiences`; by default the service account issuer. */
  readonly apiAudiences: readonly string[];
  /** `--service-account-issuer` (the first signs) and `--service-account-key-file`. */
  readonly serviceAccounts?: { readonly issuers: readonly string[]; readonly keys: readonly VerificationKey[] };
  /** `--requestheader-…`; absent: no front proxy is trusted. */
  readonly requestHeader?: RequestHeaderOptions;
  /** `--token-auth-file`, parsed by parseTokenFile. */
  readonly tokenFile?: ReadonlyMap<string, UserInfo>;
  /** `--enable-bootstrap-token-auth`. */
  readonly bootstrapTokens: boolean;
  readonly anonymous: AnonymousOptions;
}

export interface ServerAuthenticator {
  /** For the pipeline. */
  readonly requests: RequestAuthenticator;
  /** For TokenReviews. */
  readonly tokens: UnionTokenAuthenticator;
}

/** Front proxy, client certificate, tokens (file, service account, bootstrap), anonymous. */
export function newAuthenticator(options: AuthenticatorOptions): ServerAuthenticator {
  const { clock } = options;
  const tokens = new UnionTokenAuthenticator(tokenAuthenticators(options));
  const credentials = new UnionRequestAuthenticator([
    ...(options.requestHeader === undefined ? [] : [new RequestHeaderAuthenticator(options.requestHeader, clock)]),
    new X509Authenticator(clock),
    new BearerTokenAuthenticator(tokens, options.apiAudiences),
  ]);
  return { requests: failOnError(credentials, anonymousAuthenticator(options.anonymous)), tokens };
}

function tokenAuthenticators(options: AuthenticatorOptions): TokenAuthenticator[] {
  const { caches, clock, apiAudiences, serviceAccounts, tokenFile } = options;
  const members: TokenAuthenticator[] = [];
  if (tokenFile !== undefined) members.push(new TokenFileAuthenticator(tokenFile));
  if (serviceAccounts !== undefined) {
    members.push(new ServiceAccountAuthenticator({ ...serviceAccounts, apiAudiences, caches, clock }));
  }
  if (options.bootstrapTokens) members.push(new BootstrapTokenAuthenticator(caches, clock));
  return members;
}
