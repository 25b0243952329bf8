/** Controllers under test with the rights that they have in a cluster, and no more. */
import type { Transport } from '@kubets/client';
import type { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';

/**
 * For `FixtureOptions.wrap`: what is asked is asked as the service account of that name in kube-system, so that a role that
 * lacks a right shows. Informers are shared by all controllers and go on as before.
 */
export function asAccount(plane: TestControlPlane, account: string): (transport: Transport) => Transport {
  const user = `system:serviceaccount:kube-system:${account}`;
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];
  const own = plane.transport(user, groups);
  return (inner) => ({
    request: (request) => (isList(request) ? inner.request(request) : own.request(request)),
    watch: (request) => inner.watch(request),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  });
}

const isList = ({ method, query }: Parameters<Transport['request']>[0]): boolean =>
  method === 'GET' && query?.['resourceVersion'] !== undefined;
