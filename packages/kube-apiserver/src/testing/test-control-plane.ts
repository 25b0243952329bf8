/**
 * A whole kube-apiserver inside a test process, on a store in memory and with a clock that stands still until told to advance.
 * For tests of controllers and schedulers.
 *
 *     await using plane = await TestControlPlane.start();
 *     await plane.client.pods('default').create(pod);
 */
import { generateKeyPairSync } from 'node:crypto';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { silentLog } from '@kubets/apimachinery/log';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { kubeClient, type KubeClient, type Transport } from '@kubets/client';
import { ModelStorage } from '@kubets/etcd/testing';
import type { ApiServer } from '../api-server.ts';
import { createKubeApiServer, type KubeApiServerOptions } from '../kube-apiserver.ts';

export interface TestControlPlaneOptions {
  /** Default: a {@link FakeClock}. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** Whatever the server is to do otherwise. */
  readonly server?: Partial<KubeApiServerOptions>;
}

/** Made once: keys take long to make, and tests do not care which. */
let signingKey: string | undefined;

function testSigningKey(): string {
  signingKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  return signingKey as string;
}

export class TestControlPlane implements AsyncDisposable {
  readonly server: ApiServer;
  /** As an administrator (`system:masters`). */
  readonly client: KubeClient;
  readonly #storage: ModelStorage;
  readonly #clock: Clock;

  private constructor(server: ApiServer, storage: ModelStorage, clock: Clock) {
    this.server = server;
    this.client = kubeClient(this.transport());
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Resolves when the server is ready; service accounts and aggregated roles come into being without a controller manager. */
  static async start(options: TestControlPlaneOptions = {}): Promise<TestControlPlane> {
    const clock = options.clock ?? new FakeClock();
    const storage = new ModelStorage(clock);
    const server = await createKubeApiServer({
      clock,
      random: options.random ?? systemRandom,
      log: silentLog,
      storage,
      serviceAccounts: {
        issuers: ['https://kubernetes.default.svc.cluster.local'],
        signingKey: testSigningKey(),
        verificationKeys: [],
        maxTokenExpirationSeconds: 0,
        extendTokenExpiration: true,
        jwksUri: '',
      },
      apiAudiences: [],
      authorizationModes: ['Node', 'RBAC'],
      bootstrapTokens: true,
      admission: { enable: ['NodeRestriction'], disable: [] },
      advertise: { address: '192.0.2.1', port: 6443 },
      hostname: 'test',
      serviceClusterIpRanges: ['10.96.0.0/12'],
      serviceNodePortRange: { first: 30_000, last: 32_767 },
      serviceAddress: '10.96.0.1',
      trust: { clientCa: '', frontProxyCa: '' },
      standIns: { rootCA: 'test' },
      featureGates: {},
      eventTtlSeconds: 3600,
      ...options.server,
    });
    await server.start();
    return new TestControlPlane(server, storage, clock);
  }

  /** Requests as somebody; default: an administrator. */
  transport(user = 'admin', groups: readonly string[] = ['system:masters', 'system:authenticated']): Transport {
    return this.server.transport({ name: user, groups });
  }

  /** The clock that tests advance. Throws when the plane was started with another kind. */
  get clock(): FakeClock {
    if (!(this.#clock instanceof FakeClock)) throw new Error('this control plane runs on a clock of its own');
    return this.#clock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await this.#storage[Symbol.asyncDispose]();
  }
}
