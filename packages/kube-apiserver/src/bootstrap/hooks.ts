/** Everything that a new API server sees to once it serves (`pkg/controlplane/apiserver/server.go`, `pkg/controlplane/instance.go`). */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { PostStartHook } from '../server/post-start-hooks.ts';
import type { CacheDirectory } from '../storage/cache.ts';
import { ensureAuthenticationConfigMap, type AuthenticationTrust } from './authentication-config-map.ts';
import { ensureFlowcontrol } from './flowcontrol.ts';
import { FlowSchemaConditions } from './flow-schema-conditions.ts';
import { garbageIntervalMs, IdentityLease, renewIntervalMs } from './identity-lease.ts';
import type { InternalClient } from './internal-client.ts';
import { KubernetesService, type KubernetesServiceOptions } from './kubernetes-service.ts';
import { NamespaceDefaults } from './namespace-defaults.ts';
import { ensurePriorityClasses } from './priority-classes.ts';
import { ClusterRoleAggregation } from './rbac/aggregation.ts';
import { ensureBootstrapRoles } from './rbac/bootstrap-roles.ts';
import { repeat, retry, type RetryOptions } from './retry.ts';
import { ensureSystemNamespaces } from './system-namespaces.ts';

export interface BootstrapOptions {
  readonly client: InternalClient;
  readonly caches: CacheDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly hostname: string;
  readonly service: KubernetesServiceOptions;
  readonly trust: AuthenticationTrust;
  /** Whether RBAC is among the authorization modes. */
  readonly rbac: boolean;
  /**
   * The controller manager's work, done here while none runs: `default` service accounts and `kube-root-ca.crt` in all
   * namespaces, aggregated cluster roles.
   */
  readonly standIns: { readonly rootCA: string } | undefined;
  /** Told of failed tries; each is repeated. */
  onError(hook: string, error: unknown): void;
}

const namespaceIntervalMs = 60_000;
const serviceIntervalMs = 10_000;
const trustIntervalMs = 60_000;

interface Step {
  readonly name: string;
  /** Until it succeeds, and then every so often. */
  work(): Promise<void>;
  readonly repeatMs?: number;
  /** Runs beside, from the first success until the server stops. */
  background?(signal: AbortSignal): AsyncDisposable;
}

/**
 * The post-start hooks: each done when its objects are there. A failure is tried again with growing pauses; what repeats goes
 * on until the server stops.
 */
export function bootstrapHooks(options: BootstrapOptions): PostStartHook[] {
  const namespaces = systemNamespacesOnce(options);
  return steps(options).map((step) => {
    const work = async (): Promise<void> => {
      await namespaces();
      await step.work();
    };
    return { name: step.name, run: (signal) => runStep({ ...step, work }, signal, options) };
  });
}

/**
 * The namespaces come first: all hooks run at the same time, and what is created by one is seen by the others only
 * after its commit. Remembers its success.
 */
function systemNamespacesOnce({ client, caches }: BootstrapOptions): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= ensureSystemNamespaces(client, caches).catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}

async function runStep(step: Step, signal: AbortSignal, { clock, onError }: BootstrapOptions): Promise<void> {
  const retrying: RetryOptions = { clock, signal, onError: (error) => onError(step.name, error) };
  try {
    await retry(retrying, () => step.work());
  } catch (error) {
    // The server stops before it was done: no failure of the hook.
    if (signal.aborted) return;
    throw error;
  }
  if (step.repeatMs !== undefined) void repeat(retrying, step.repeatMs, () => step.work());
  const running = step.background?.(signal);
  const stop = (): void => void running?.[Symbol.asyncDispose]().then(undefined, retrying.onError);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
}

function steps(options: BootstrapOptions): Step[] {
  const { client, caches } = options;
  return [
    {
      name: 'start-system-namespaces-controller',
      work: () => ensureSystemNamespaces(client, caches),
      repeatMs: namespaceIntervalMs,
    },
    { name: 'scheduling/bootstrap-system-priority-classes', work: () => ensurePriorityClasses(client, caches) },
    {
      name: 'priority-and-fairness-config-producer',
      work: () => ensureFlowcontrol(client, caches),
      repeatMs: namespaceIntervalMs,
    },
    flowSchemaConditionsStep(options),
    ...serviceSteps(options),
    ...identitySteps(options),
    {
      name: 'start-cluster-authentication-info-controller',
      work: () => ensureAuthenticationConfigMap(client, caches, options.trust),
      repeatMs: trustIntervalMs,
    },
    ...(options.rbac ? [{ name: 'rbac/bootstrap-roles', work: () => ensureBootstrapRoles(client, caches) }] : []),
    ...standInSteps(options),
  ];
}

function flowSchemaConditionsStep({ caches, client, clock, onError }: BootstrapOptions): Step {
  const name = 'priority-and-fairness-config-consumer';
  return {
    name,
    work: () => Promise.resolve(),
    background: () => {
      const running = new FlowSchemaConditions({ caches, client, clock, onError: (error) => onError(name, error) });
      running.start();
      return running;
    },
  };
}

function serviceSteps(options: BootstrapOptions): Step[] {
  const service = new KubernetesService(options, options.service);
  return [
    { name: 'start-kubernetes-service-cidr-controller', work: () => service.reconcileServiceCIDR() },
    { name: 'bootstrap-controller', work: () => service.reconcile(), repeatMs: serviceIntervalMs },
  ];
}

function identitySteps(options: BootstrapOptions): Step[] {
  const lease = new IdentityLease(options, options.hostname, options.random.uuid());
  return [
    { name: 'start-kube-apiserver-identity-lease-controller', work: () => lease.renew(), repeatMs: renewIntervalMs },
    {
      name: 'start-kube-apiserver-identity-lease-garbage-collector',
      work: () => lease.collectGarbage(),
      repeatMs: garbageIntervalMs,
    },
  ];
}

function standInSteps(options: BootstrapOptions): Step[] {
  const { client, caches, clock, standIns } = options;
  if (standIns === undefined) return [];
  const nothing = (): Promise<void> => Promise.resolve();
  const namespaceDefaults = 'kubets/namespace-defaults';
  const aggregation = 'kubets/cluster-role-aggregation';
  return [
    {
      name: namespaceDefaults,
      work: nothing,
      background: () => {
        const onError = (error: unknown): void => options.onError(namespaceDefaults, error);
        const running = new NamespaceDefaults({ caches, client, clock, rootCA: standIns.rootCA, onError });
        running.start();
        return running;
      },
    },
    {
      name: aggregation,
      work: nothing,
      background: () => {
        const running = new ClusterRoleAggregation({
          caches,
          client,
          onError: (error) => options.onError(aggregation, error),
        });
        running.start();
        return running;
      },
    },
  ];
}
