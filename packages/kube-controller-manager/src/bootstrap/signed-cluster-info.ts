/** The config map by which joining nodes know the cluster, signed with their tokens (`pkg/controller/bootstrap/bootstrapsigner.go`). Pure. */
import type { ConfigMap, Secret } from '@kubets/api/types/core-v1';
import { detachedSignature, signingToken } from './bootstrap-token.ts';

const signaturePrefix = 'jws-kubeconfig-';

/** The config map with just the signatures of the tokens that are good now; `undefined`: it is so, or has nothing to sign. */
export function signedClusterInfo(
  info: Readonly<ConfigMap>,
  secrets: readonly Readonly<Secret>[],
  now: number,
): ConfigMap | undefined {
  const data = info.data ?? {};
  const content = data['kubeconfig'];
  if (content === undefined) return undefined;
  const signed = Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith(signaturePrefix)));
  for (const secret of secrets) {
    const token = signingToken(secret, now);
    if (token !== undefined)
      signed[`${signaturePrefix}${token.id}`] = detachedSignature(content, token.id, token.secret);
  }
  const keys = Object.keys(signed);
  if (keys.length === Object.keys(data).length && keys.every((key) => signed[key] === data[key])) return undefined;
  return { ...info, data: Object.fromEntries(Object.entries(signed).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}
