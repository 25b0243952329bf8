/** Kubelets in tests, as far as their health goes. */
import { formatMicroTime, formatTime } from '@kubets/apimachinery/time';
import type { Node, NodeCondition } from '@kubets/api/types/core-v1';
import type { ControllerFixture } from './controller-fixture.ts';

/** Nodes with kubelets that register, report and renew their leases as the clock goes on. */
export class Kubelets {
  /** Names of those that renew. A test takes names out and puts them in. */
  readonly alive = new Set<string>();
  readonly #fixture: ControllerFixture;

  constructor(fixture: ControllerFixture) {
    this.#fixture = fixture;
  }

  /** A new node, ready and alive. */
  async join(name: string, zone = 'a'): Promise<void> {
    const { client } = this.#fixture;
    const labels = { 'topology.kubernetes.io/zone': zone, 'kubernetes.io/os': 'linux' };
    await client.nodes().create({ metadata: { name, labels } } as Node);
    await this.report(name, 'True');
    await client.leases('kube-node-lease').create({ metadata: { name }, spec: { holderIdentity: name } });
    this.alive.add(name);
  }

  /** Writes the status of Ready, with a heartbeat. */
  async report(name: string, status: string): Promise<void> {
    const { client, clock } = this.#fixture;
    const time = formatTime(clock.now());
    const ready: NodeCondition = { type: 'Ready', status, lastHeartbeatTime: time, lastTransitionTime: time };
    const others = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
      ...ready,
      type,
      status: 'False',
    }));
    // A patch: controllers under test write at the same time.
    const body = { status: { conditions: [...others, ready] } };
    const type = 'application/strategic-merge-patch+json';
    await client.nodes().patch(name, { type, body, subresource: 'status' });
  }

  /** Time passes, with renewals. */
  async advance(ms: number): Promise<void> {
    const { client, clock } = this.#fixture;
    for (let left = ms; left > 0; left -= 5000) {
      for (const name of this.alive) {
        const body = { spec: { renewTime: formatMicroTime(clock.now()) } };
        await client.leases('kube-node-lease').patch(name, { type: 'application/merge-patch+json', body });
      }
      await this.#fixture.advance(Math.min(5000, left));
    }
  }
}
