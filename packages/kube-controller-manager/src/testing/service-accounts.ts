/** Controllers under their own service accounts, with the rights that they have in a cluster and no more. */
import { isForbidden } from '@kubets/apimachinery/status';
import type { Transport } from '@kubets/client';
import type { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';

const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];

/** Requests as the service account of that name in kube-system. */
export function asServiceAccount(plane: TestControlPlane, account: string): Transport {
  return plane.transport(`system:serviceaccount:kube-system:${account}`, groups);
}

/** Notes what is refused. */
function noting(inner: Transport, refused: string[], who: string): Transport {
  const note = (what: string) => (error: unknown) => {
    // A namespace that is going takes nothing new, from whomever.
    if (isForbidden(error) && !String(error).includes('being terminated'))
      refused.push(`${who}: ${what}: ${String(error)}`);
    throw error;
  };
  return {
    request: (request) => inner.request(request).catch(note(`${request.method} ${request.path}`)),
    watch: (request) => inner.watch(request).catch(note(`WATCH ${request.path}`)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

/** Ways to the server as the manager and as each of its accounts; `refused` grows with what they may not do. */
export function accountTransports(plane: TestControlPlane): {
  readonly transport: Transport;
  readonly transportFor: (account: string) => Transport;
  readonly refused: string[];
} {
  const refused: string[] = [];
  const manager = plane.transport('system:kube-controller-manager', ['system:authenticated']);
  return {
    transport: noting(manager, refused, 'manager'),
    transportFor: (account) => noting(asServiceAccount(plane, account), refused, account),
    refused,
  };
}
