/** As whom the components of the control plane act, as upstream's RBAC bootstrap expects it. */
import { systemClock } from '@kubets/apimachinery/system-clock';
import { ManagedTransport, type Transport } from '@kubets/client';
import type { ApiServer, UserInfo } from '@kubets/kube-apiserver';

const authenticated = 'system:authenticated';

export const controllerManagerUser: UserInfo = { name: 'system:kube-controller-manager', groups: [authenticated] };
export const schedulerUser: UserInfo = { name: 'system:kube-scheduler', groups: [authenticated] };

/** Who watches the nodes and pods for all simulated nodes together: a node of its own may see only its own. */
export const simulationUser: UserInfo = { name: 'kubets:simulated-nodes', groups: ['system:masters', authenticated] };

/** A service account of kube-system. */
export function controllerUser(account: string): UserInfo {
  return {
    name: `system:serviceaccount:kube-system:${account}`,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', authenticated],
  };
}

export function nodeUser(name: string): UserInfo {
  return { name: `system:node:${name}`, groups: ['system:nodes', authenticated] };
}

/** Requests as that user; those that the server has no time for are made again when it says so, as by any client. */
export function transportAs(server: ApiServer, user: UserInfo, component: string): Transport {
  return new ManagedTransport(server.transport(user, component), { clock: systemClock });
}
