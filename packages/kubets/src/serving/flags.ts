/** Flags that the controller manager and the scheduler share (component-base, `apiserver/pkg/server/options`). */
import { flag } from '../flags/flag-set.ts';
import {
  bool,
  certificates,
  duration,
  float,
  gates,
  integer,
  ip,
  list,
  portOrNone,
  privateKey,
  text,
} from '../flags/readers.ts';

/** Secure serving, and who may use it. */
export const servingFlags = {
  'bind-address': flag({ read: ip, default: '0.0.0.0', help: 'address to serve health and metrics on' }),
  'tls-cert-file': flag({ read: certificates, default: '', help: 'serving certificate, PEM; default: one in memory' }),
  'tls-private-key-file': flag({ read: privateKey, default: '', help: 'its key, PEM' }),
  'client-ca-file': flag({ read: certificates, default: '', help: 'CA of client certificates, PEM' }),
  'authentication-kubeconfig': flag({ read: text, default: '', help: 'server that is asked about tokens' }),
  'authentication-token-webhook-cache-ttl': flag({
    read: duration,
    default: 10_000,
    help: 'how long its answers count',
  }),
  'authorization-kubeconfig': flag({ read: text, default: '', help: 'server that is asked about rights' }),
  'authorization-always-allow-paths': flag({
    read: list,
    default: ['/healthz', '/readyz', '/livez'],
    help: 'open to everybody',
  }),
  'authorization-webhook-cache-authorized-ttl': flag({ read: duration, default: 10_000, help: 'of a yes' }),
  'authorization-webhook-cache-unauthorized-ttl': flag({ read: duration, default: 10_000, help: 'of a no' }),
};

/** `--secure-port` with the component's own default. */
export const securePort = (port: number) =>
  flag({ read: portOrNone, default: port, help: 'port to serve health and metrics on; 0: none' });

/** Of one component, whose Lease has its name. */
export const leaderElectionFlags = (name: string) => ({
  'leader-elect': flag({ read: bool, default: true, help: 'one of several runs, the others wait' }),
  'leader-elect-lease-duration': flag({ read: duration, default: 15_000, help: 'how long the others wait' }),
  'leader-elect-renew-deadline': flag({ read: duration, default: 10_000, help: 'how long a leader tries to renew' }),
  'leader-elect-retry-period': flag({ read: duration, default: 2000, help: 'between tries' }),
  'leader-elect-resource-name': flag({ read: text, default: name, help: 'name of the Lease' }),
  'leader-elect-resource-namespace': flag({ read: text, default: 'kube-system', help: 'its namespace' }),
});

/** How the API server is reached, features, and logs. */
export const clientFlags = {
  kubeconfig: flag({ read: text, default: '', help: 'how to reach the API server; default: as a pod of the cluster' }),
  'kube-api-qps': flag({ read: float, default: 0, help: 'requests a second on average; 0: no limit of its own' }),
  'kube-api-burst': flag({ read: integer, default: 0, help: 'requests at once before that counts' }),
  'feature-gates': flag({ read: gates, default: {}, help: 'A=true,B=false' }),
  'logging-format': flag({ read: text, default: 'text', help: 'text or json' }),
  v: flag({ read: integer, default: 0, help: 'verbosity of the log' }),
};
