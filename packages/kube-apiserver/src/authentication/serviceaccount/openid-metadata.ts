/** What relying parties need to verify our tokens (`pkg/serviceaccount/openidmetadata.go`, `pkg/routes/openidmetadata.go`). */
import type { ApiResult } from '../../server/types.ts';
import type { VerificationKey } from './keys.ts';

export const configurationPath = '/.well-known/openid-configuration';
export const jwksPath = '/openid/v1/jwks';

/** Made once: keys do not change while the server runs. */
export interface OpenIdMetadata {
  readonly configuration: string;
  readonly jwks: string;
}

export interface OpenIdMetadataOptions {
  /** An https URL; without one there are no discovery documents, as OIDC demands. */
  readonly issuer: string;
  /** `--service-account-jwks-uri`; default: this server's own under the issuer's URL. */
  readonly jwksUri?: string;
  readonly keys: readonly VerificationKey[];
}

/** `undefined` when the issuer is no https URL. */
export function openIdMetadata(options: OpenIdMetadataOptions): OpenIdMetadata | undefined {
  if (!isHttpsUrl(options.issuer)) return undefined;
  const algorithms = [...new Set(options.keys.map((key) => key.algorithm))].toSorted();
  return {
    configuration: JSON.stringify({
      issuer: options.issuer,
      jwks_uri: options.jwksUri ?? `${options.issuer.replace(/\/$/, '')}${jwksPath}`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: algorithms,
    }),
    jwks: JSON.stringify({ keys: options.keys.map(jwkOf) }),
  };
}

function isHttpsUrl(text: string): boolean {
  return URL.parse(text)?.protocol === 'https:';
}

function jwkOf(key: VerificationKey): object {
  const { kty, ...rest } = key.key.export({ format: 'jwk' });
  return { use: 'sig', kty, kid: key.id, alg: key.algorithm, ...rest };
}

const cacheControl = { 'cache-control': 'public, max-age=3600' };

/** Handlers for the two paths, to be mounted as they are. */
export function openIdHandlers(metadata: OpenIdMetadata): Readonly<Record<string, () => ApiResult>> {
  return {
    [configurationPath]: () => ({
      type: 'bytes',
      status: 200,
      contentType: 'application/json',
      bytes: metadata.configuration,
      headers: cacheControl,
    }),
    [jwksPath]: () => ({
      type: 'bytes',
      status: 200,
      contentType: 'application/jwk-set+json',
      bytes: metadata.jwks,
      headers: cacheControl,
    }),
  };
}
