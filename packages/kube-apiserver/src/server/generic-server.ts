/**
 * The server without any API of its own (`apiserver/pkg/server/{config,genericapiserver}.go`): the
 * pipeline, its listeners and transports, health, metrics and version, start and stop.
 */
import type { AddressInfo } from 'node:net';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Transport } from '@kubets/client';
import type { RequestAuthenticator } from '../authentication/authenticator.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { FlowController } from '../flowcontrol/flow-controller.ts';
import { FlowMetrics } from '../flowcontrol/flow-metrics.ts';
import type { ObjectCount } from '../flowcontrol/width.ts';
import { HealthChecks, logCheck, pingCheck, type HealthCheck, type HealthGroup } from '../health/checks.ts';
import { healthMetrics } from '../metrics/health-metrics.ts';
import { registerProcessMetrics } from '../metrics/process-metrics.ts';
import { metricsContentType, MetricsRegistry } from '@kubets/apimachinery/metrics';
import { RequestMetrics } from '../metrics/request-metrics.ts';
import type { EncodeEnvironment, ObjectCodecs } from './encode-environment.ts';
import { withAudit, type AuditSink } from './filters/audit.ts';
import { withAuthentication } from './filters/authentication.ts';
import { withAuthorization } from './filters/authorization.ts';
import { withDeadline } from './filters/deadline.ts';
import { dispatch } from './filters/dispatch.ts';
import { withFlowControl } from './filters/flow-control.ts';
import { withImpersonation } from './filters/impersonation.ts';
import { withMetrics } from './filters/metrics.ts';
import { withRequestId } from './filters/request-id.ts';
import { withTurns } from './filters/turns.ts';
import { inProcessTransport } from './in-process.ts';
import type { Limits } from './limits.ts';
import { Listener } from './listener.ts';
import type { Log } from '@kubets/apimachinery/log';
import { PathMux } from './mux.ts';
import { compose } from './pipeline.ts';
import { PostStartHooks } from './post-start-hooks.ts';
import { createRequestHandler } from './server.ts';
import type { TlsMaterial } from './tls.ts';
import type { ApiResult, Filter, Next, UserInfo } from './types.ts';
import { buildInfo, kubernetesVersion, serveVersion } from './version.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsMaterial;
  readonly limits?: Partial<Limits>;
}

export interface GenericServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: reachable in process only. */
  readonly listen?: ListenOptions | undefined;
  readonly authenticator: RequestAuthenticator;
  readonly authorizer: Authorizer;
  /** Answers requests for API resources. */
  readonly resources: Next;
  readonly codecs: ObjectCodecs;
  readonly audit?: AuditSink;
  /** For the width of lists. Default: every list takes one seat. */
  readonly objectCount?: ObjectCount;
  readonly metrics?: MetricsRegistry;
  /** `--request-timeout`; 60 s. */
  readonly requestTimeoutMs?: number;
  /** `--min-request-timeout`; 1800 s. */
  readonly minRequestTimeoutSeconds?: number;
  /** `--max-requests-inflight` plus `--max-mutating-requests-inflight`; 600. */
  readonly maxInflight?: number;
  /** How long stopping may take; 4 s. */
  readonly shutdownTimeoutMs?: number;
}

const groups: readonly HealthGroup[] = ['healthz', 'livez', 'readyz'];

function metricsPage(metrics: MetricsRegistry): ApiResult {
  return { type: 'bytes', status: 200, contentType: metricsContentType, bytes: metrics.text() };
}

export class GenericServer implements AsyncDisposable {
  /** Paths that are no API resources; add to it before {@link start}. */
  readonly mux = new PathMux();
  readonly metrics: MetricsRegistry;
  /** Service level indicators, on a path of their own. */
  readonly slis = new MetricsRegistry();
  readonly health: Readonly<Record<HealthGroup, HealthChecks>>;
  readonly hooks: PostStartHooks;
  /** Configured with the mandatory objects until it follows the API's own. */
  readonly flowController: FlowController;
  /** The filters and what is behind them. */
  readonly pipeline: Next;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
  readonly #abort = new AbortController();
  readonly #options: GenericServerOptions;
  readonly #listener: Listener | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: GenericServerOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.stopping = this.#abort.signal;
    this.metrics = options.metrics ?? new MetricsRegistry();
    const observe = healthMetrics(this.slis);
    this.health = {
      healthz: new HealthChecks('healthz', log, observe),
      livez: new HealthChecks('livez', log, observe),
      readyz: new HealthChecks('readyz', log, observe),
    };
    this.hooks = new PostStartHooks(Object.values(this.health), log);
    this.flowController = new FlowController({ clock, serverSeats: options.maxInflight ?? 600 });
    const requestMetrics = new RequestMetrics(this.metrics);
    registerProcessMetrics(this.metrics, clock, buildInfo);
    this.pipeline = compose(this.#filters(requestMetrics), dispatch(options.resources, this.mux));
    this.#addOwnPaths();
    this.#listener = this.#makeListener(requestMetrics);
  }

  #filters(metrics: RequestMetrics): Filter[] {
    const { clock, random, authenticator, authorizer, audit, requestTimeoutMs = 60_000 } = this.#options;
    return [
      withRequestId(random),
      withMetrics(metrics, clock),
      withDeadline(clock, requestTimeoutMs),
      withAuthentication(authenticator),
      ...(audit === undefined ? [] : [withAudit(audit)]),
      withImpersonation(authorizer),
      withFlowControl({
        controller: this.flowController,
        clock,
        metrics: new FlowMetrics(this.metrics, this.flowController),
        objectCount: this.#options.objectCount ?? (() => undefined),
        waitLimitMs: requestTimeoutMs / 4,
        onRejected: () => metrics.rejected(),
      }),
      withTurns(clock),
      withAuthorization(authorizer),
    ];
  }

  #addOwnPaths(): void {
    for (const group of groups) {
      const checks = this.health[group];
      checks.add(pingCheck, logCheck);
      this.mux.handle(`/${group}`, checks.serve);
      this.mux.handle(`/${group}/`, checks.serve, { listed: false });
      for (const name of ['ping', 'log']) this.mux.list(`/${group}/${name}`);
    }
    this.health.readyz.add(this.#shutdownCheck());
    this.mux.handle('/version', serveVersion);
    this.mux.handle('/version/', serveVersion, { listed: false });
    this.mux.handle('/metrics', () => metricsPage(this.metrics));
    this.mux.handle('/metrics/slis', () => metricsPage(this.slis));
  }

  #shutdownCheck(): HealthCheck {
    return {
      name: 'shutdown',
      check: () => {
        if (this.stopping.aborted) throw new Error('process is shutting down');
      },
    };
  }

  #makeListener(metrics: RequestMetrics): Listener | undefined {
    const { listen, clock, random, log, codecs, minRequestTimeoutSeconds = 1800 } = this.#options;
    if (listen === undefined) return undefined;
    const environment: EncodeEnvironment = {
      codecs,
      clock,
      random,
      log,
      minRequestTimeoutSeconds,
      stalledWatchMs: listen.limits?.stalledWriteMs ?? 60_000,
      metrics,
      openWatches: new Set(),
    };
    return new Listener({ ...listen, handler: createRequestHandler(this.pipeline, environment), clock, log });
  }

  /** Adds a check to the groups named (all three when none is), in the order of the calls. */
  addHealthCheck(check: HealthCheck, ...to: readonly HealthGroup[]): void {
    for (const group of to.length === 0 ? groups : to) {
      this.health[group].add(check);
      this.mux.list(`/${group}/${check.name}`);
    }
  }

  /**
   * A client's way in without a network, as `user`. `component` goes into the user agent, and so names the manager of the
   * fields it writes. Works before {@link start} and until the server stops.
   */
  transport(user: UserInfo, component = 'kubets'): Transport {
    const { clock, log } = this.#options;
    const userAgent = `${component}/v${kubernetesVersion}`;
    return inProcessTransport({ pipeline: this.pipeline, clock, log, stopping: this.stopping }, { user, userAgent });
  }

  /** Opens the port; resolves to its address (`undefined` without a listener). Rejects as the listener does. Single use. */
  async start(): Promise<AddressInfo | undefined> {
    return await this.#listener?.start();
  }

  /** Runs the post-start hooks; the server is ready when they are done. */
  async runHooks(): Promise<void> {
    await this.hooks.run(this.stopping);
  }

  /** New certificates and CAs, from now on. */
  setTlsMaterial(material: TlsMaterial): void {
    this.#listener?.setTlsMaterial(material);
  }

  /** Not ready any more, then no more connections; watches end, requests finish within the deadline. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#abort.abort(new Error('the server is shutting down'));
    this.flowController[Symbol.dispose]();
    await this.#listener?.stop(this.#options.shutdownTimeoutMs ?? 4_000);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
