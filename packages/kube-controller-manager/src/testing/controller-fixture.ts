/**
 * Controllers under test against a whole API server in memory, on a clock that the test advances.
 *
 *     await using fixture = await ControllerFixture.start([deploymentController, replicaSetController]);
 *     await fixture.client.deployments('default').create(deployment);
 *     await fixture.until(async () => (await fixture.client.pods('default').list()).items.length === 3);
 */
import type { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog, type Log } from '@kubets/apimachinery/log';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { featureGateLookup } from '@kubets/api/feature-gates';
import { SharedInformerFactory, type KubeClient, type Transport } from '@kubets/client';
import { settle } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import type { ControllerContext, ControllerDescriptor } from '../controller.ts';
import { contextFor, WorkQueueFamilies } from '../controller-context.ts';
import { controllerFacts } from '../generated/controllers.ts';
import { defaultControllerManagerOptions, type ControllerManagerOptions } from '../options.ts';
import { asServiceAccount } from './service-accounts.ts';

const accountOf = (name: string): string => controllerFacts.find((fact) => fact.name === name)?.account ?? name;

export interface FixtureOptions {
  readonly options?: Partial<ControllerManagerOptions>;
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** Wraps the controllers' way to the server: faults, delays, counts. Informers go through it too. */
  readonly wrap?: (transport: Transport) => Transport;
  /** Each controller acts under its own service account, as in a cluster: what upstream's roles do not allow is refused. */
  readonly ownAccounts?: boolean;
  /** Goes on with a plane that runs already: a restarted controller manager. It is not disposed of then. */
  readonly plane?: TestControlPlane;
}

export class ControllerFixture implements AsyncDisposable {
  readonly plane: TestControlPlane;
  readonly client: KubeClient;
  readonly clock: FakeClock;
  /** What controllers logged as errors. */
  readonly errors: string[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #stop: AbortController;

  private constructor(plane: TestControlPlane, stack: AsyncDisposableStack, stop: AbortController) {
    this.plane = plane;
    this.client = plane.client;
    this.clock = plane.clock;
    this.#stack = stack;
    this.#stop = stop;
  }

  static async start(
    descriptors: readonly ControllerDescriptor[],
    options: FixtureOptions = {},
  ): Promise<ControllerFixture> {
    const stack = new AsyncDisposableStack();
    const plane = options.plane ?? stack.use(await TestControlPlane.start());
    const stop = new AbortController();
    const fixture = new ControllerFixture(plane, stack, stop);
    await fixture.#run(descriptors, options);
    return fixture;
  }

  async #run(descriptors: readonly ControllerDescriptor[], options: FixtureOptions): Promise<void> {
    const { clock, plane } = this;
    const transport = options.wrap?.(plane.transport()) ?? plane.transport();
    const log: Log = {
      ...silentLog,
      error: (fields, message) => this.errors.push(`${message} ${JSON.stringify(fields)}`),
    };
    const onError = (error: unknown): void => void this.errors.push(String(error));
    const informers = new SharedInformerFactory({ transport, clock, random: systemRandom, onError });
    const metrics = new MetricsRegistry();
    const families = new WorkQueueFamilies(metrics);
    const shared = {
      clock,
      random: systemRandom,
      log,
      metrics,
      informers,
      options: { ...defaultControllerManagerOptions, ...options.options },
      transportFor: (account: string) => {
        if (options.ownAccounts !== true) return transport;
        const own = asServiceAccount(plane, account);
        return options.wrap?.(own) ?? own;
      },
      serves: () => true,
      featureEnabled: featureGateLookup(options.featureGates),
    };
    const running = descriptors.map(async (descriptor) => {
      const context: ControllerContext & AsyncDisposable = contextFor(
        { name: descriptor.name, account: accountOf(descriptor.name), eventSource: descriptor.eventSource },
        shared,
        families,
      );
      this.#stack.use(context);
      await descriptor.create(context)?.run(this.#stop.signal).catch(onError);
    });
    informers.start(this.#stop.signal);
    this.#stack.defer(async () => {
      this.#stop.abort(new Error('the test is over'));
      await Promise.all(running);
      await informers[Symbol.asyncDispose]();
    });
    await informers.waitForCacheSync(this.#stop.signal);
    await this.settle();
  }

  /** Lets everything that is ready run, without moving the clock. */
  async settle(): Promise<void> {
    await settle(30);
  }

  /**
   * Resolves when the condition holds: first at the present time of the clock, then advancing it in steps. Throws when it
   * does not within so many steps.
   */
  async until(
    condition: () => boolean | Promise<boolean>,
    { stepMs = 500, steps = 240 }: { readonly stepMs?: number; readonly steps?: number } = {},
  ): Promise<void> {
    for (let i = 0; i < steps; i++) {
      await this.settle();
      if (await condition()) return;
      this.clock.advance(stepMs);
    }
    throw new Error(
      `not within ${(steps * stepMs) / 1000} s of the clock: ${condition.toString()}\n${this.errors.join('\n')}`,
    );
  }

  /** Advances the clock and lets what fell due run, in steps of at most a second. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.advance(Math.min(1000, left));
      await this.settle();
    }
  }

  /** Stops the controllers, and the plane unless it was given. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
