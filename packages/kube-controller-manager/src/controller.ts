/** What a controller is, and what it is given (upstream `cmd/kube-controller-manager/app/controller_descriptor.go`). */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Log } from '@kubets/apimachinery/log';
import type { MetricsRegistry } from '@kubets/apimachinery/metrics';
import type {
  EventRecorder,
  KubeClient,
  RateLimiter,
  SharedInformerFactory,
  Transport,
  WorkQueue,
} from '@kubets/client';
import type { ControllerManagerOptions } from './options.ts';

/** One control loop. */
export interface Controller {
  /**
   * Runs until the signal is aborted, and then until the work under way has ended. Starts by waiting for its informers'
   * first lists. Rejects only when it cannot go on at all.
   */
  run(signal: AbortSignal): Promise<void>;
}

/** All that a controller touches: clocks, clients and caches come from here and nowhere else. */
export interface ControllerContext {
  /** The controller's name, as in {@link ControllerDescriptor}. */
  readonly name: string;
  /** Requests under this controller's own identity. */
  readonly transport: Transport;
  /** Typed clients over `transport`. */
  readonly client: KubeClient;
  /** Shared by all controllers; ask in the constructor, the manager starts them. Objects in it are immutable. */
  readonly informers: SharedInformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Events with `source.component` = the first `clients` name of the facts (`deployment-controller` …). */
  readonly events: EventRecorder;
  readonly metrics: MetricsRegistry;
  readonly options: ControllerManagerOptions;
  /** A queue that reports `workqueue_*` metrics under `name`; default limiter: 5 ms to 1000 s per key, 10 a second overall. */
  queue(name: string, limiter?: RateLimiter<string>): WorkQueue<string>;
  /** Whether the API server serves a resource, e.g. `{ group: 'resource.k8s.io', resource: 'resourceclaims' }`; known before start. */
  serves(resource: { readonly group: string; readonly resource: string }): boolean;
  featureEnabled(gate: string): boolean;
}

/** How a controller is named and made. */
export interface ControllerDescriptor {
  /** As `--controllers` names it, e.g. `deployment-controller`; name, aliases and default come from the generated facts. */
  readonly name: string;
  /** `source.component` of its Events where upstream's differs from the account's name. */
  readonly eventSource?: string;
  /** Undefined: it has nothing to do as configured (no signing key, no pod CIDRs); the reason goes to the log. */
  create(context: ControllerContext): Controller | undefined;
}
