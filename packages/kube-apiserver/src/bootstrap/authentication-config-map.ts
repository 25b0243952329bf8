/**
 * How extension API servers tell users apart: the config map `kube-system/extension-apiserver-authentication`
 * (`pkg/controlplane/controller/clusterauthenticationtrust/cluster_authentication_trust_controller.go`).
 */
import type { RequestHeaderOptions } from '../authentication/request-header/request-header-authenticator.ts';
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { semanticEqual } from '../registry/generic/semantic-equal.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureNamespace, ensureObject } from './ensure.ts';
import type { InternalClient } from './internal-client.ts';

const configMaps: GroupVersionResource = { group: '', version: 'v1', resource: 'configmaps' };
const name = 'extension-apiserver-authentication';
const namespace = 'kube-system';

export interface AuthenticationTrust {
  /** PEM of the CA of client certificates. */
  readonly clientCA: string | undefined;
  /** PEM of the CA of front proxies, and the headers they set. */
  readonly requestHeader: ({ readonly clientCA: string } & RequestHeaderOptions) | undefined;
}

function dataOf({ clientCA, requestHeader }: AuthenticationTrust): Record<string, string> {
  return {
    ...(clientCA !== undefined && { 'client-ca-file': clientCA }),
    ...(requestHeader !== undefined && {
      'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
      'requestheader-client-ca-file': requestHeader.clientCA,
      'requestheader-extra-headers-prefix': JSON.stringify(requestHeader.extraHeaderPrefixes),
      'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
      'requestheader-uid-headers': JSON.stringify(requestHeader.uidHeaders),
      'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
    }),
  };
}

/** Creates the config map, or puts our entries right; entries of others stay. Idempotent. */
export async function ensureAuthenticationConfigMap(
  client: InternalClient,
  caches: CacheDirectory,
  trust: AuthenticationTrust,
): Promise<void> {
  await ensureNamespace(client, caches, namespace);
  const data = dataOf(trust);
  const existing = caches.of(configMaps).get(namespace, name)?.object;
  if (existing === undefined) {
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace }, data };
    return ensureObject(client, caches, { resource: configMaps, object });
  }
  const merged = { ...(existing['data'] as Record<string, string> | undefined), ...data };
  if (semanticEqual(merged, existing['data'])) return;
  await client.update(configMaps, namespace, { ...structuredClone(existing), data: merged } as ApiObject);
}
