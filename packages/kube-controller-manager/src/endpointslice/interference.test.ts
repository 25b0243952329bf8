/** Endpoints of Services while everything around them goes wrong. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Service } from '@kubets/api/types/core-v1';
import { FaultyTransport } from '@kubets/client/testing';
import { TestControlPlane } from '@kubets/kube-apiserver/testing/test-control-plane';
import { newServiceUnavailable } from '@kubets/apimachinery/status';
import { endpointsController } from '../endpoints/controller.ts';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { countingTransport } from '../testing/counting-transport.ts';
import { runPod } from '../testing/run-pod.ts';
import { endpointSliceController } from './controller.ts';

const actions = [
  'add pod',
  'remove pod',
  'change pod',
  'delete slice',
  'empty slice',
  'delete endpoints',
  'break watches',
  'refuse requests',
  'restart',
] as const;
type Action = (typeof actions)[number];

const controllers = [endpointSliceController, endpointsController];

/** A plane, the controllers, and somebody who means ill. */
class Trial {
  readonly plane: TestControlPlane;
  fixture: ControllerFixture | undefined;
  readonly #transports: FaultyTransport[] = [];
  readonly #pods = new Map<string, string>();
  #made = 0;

  constructor(plane: TestControlPlane) {
    this.plane = plane;
  }

  get wanted(): string {
    return [...this.#pods.values()].toSorted().join();
  }

  async start(): Promise<void> {
    const wrap = (inner: ConstructorParameters<typeof FaultyTransport>[0]): FaultyTransport => {
      const transport = new FaultyTransport(inner);
      // Every third event comes twice.
      let count = 0;
      transport.filter = (event) => (++count % 3 === 0 ? [event, event] : [event]);
      this.#transports.push(transport);
      return transport;
    };
    const options = { plane: this.plane, wrap, options: { maxEndpointsPerSlice: 3 } };
    this.fixture = await ControllerFixture.start(controllers, options);
  }

  async do(action: Action, choice: number): Promise<void> {
    const { client } = this.plane;
    const slices = (await client.endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' }))
      .items;
    const slice = slices[choice % Math.max(1, slices.length)];
    const pod = [...this.#pods.keys()][choice % Math.max(1, this.#pods.size)];
    switch (action) {
      case 'add pod': {
        const id = ++this.#made;
        const ip = `10.1.0.${id}`;
        await runPod(client, { name: `p${id}`, ip, labels: { app: 'web' } });
        this.#pods.set(`p${id}`, ip);
        return;
      }
      case 'remove pod':
        if (pod === undefined) return;
        await client.pods('default').delete(pod, { gracePeriodSeconds: 0 });
        this.#pods.delete(pod);
        return;
      case 'change pod': {
        if (pod === undefined) return;
        const metadata = { labels: { app: 'other' } };
        await client.pods('default').patch(pod, { type: 'application/merge-patch+json', body: { metadata } });
        this.#pods.delete(pod);
        return;
      }
      case 'delete slice':
        if (slice !== undefined) await client.endpointSlices('default').delete(slice.metadata.name ?? '');
        return;
      case 'empty slice': {
        if (slice === undefined) return;
        const patch = { type: 'application/merge-patch+json', body: { endpoints: [] } } as const;
        await client.endpointSlices('default').patch(slice.metadata.name ?? '', patch);
        return;
      }
      case 'delete endpoints':
        await client.endpoints('default').deleteCollection({ fieldSelector: 'metadata.name=web' });
        return;
      case 'break watches':
        this.#transports.at(-1)?.reset();
        return;
      case 'refuse requests':
        this.#transports.at(-1)?.faults.push(newServiceUnavailable('busy'), newServiceUnavailable('busy'));
        return;
      case 'restart':
        await this.stop();
        await this.start();
    }
  }

  async stop(): Promise<void> {
    await this.fixture?.[Symbol.asyncDispose]();
    this.fixture = undefined;
  }

  /** The addresses in slices and in Endpoints. */
  async have(): Promise<readonly [string, string]> {
    const { client } = this.plane;
    const slices = await client.endpointSlices('default').list({ labelSelector: 'kubernetes.io/service-name=web' });
    const inSlices = slices.items.flatMap((s) => (s.endpoints ?? []).flatMap((e) => e.addresses));
    const list = await client.endpoints('default').list({ fieldSelector: 'metadata.name=web' });
    const inEndpoints = list.items.flatMap((e) =>
      (e.subsets ?? []).flatMap((s) => (s.addresses ?? []).map((a) => a.ip)),
    );
    return [inSlices.toSorted().join(), inEndpoints.toSorted().join()];
  }
}

describe('endpoints of a Service', () => {
  it('are right in the end, whatever happens, and then nothing is written', { timeout: 60_000 }, async () => {
    const step = fc.tuple(fc.constantFrom(...actions), fc.nat(20), fc.nat(3));
    const run = async (steps: readonly (readonly [Action, number, number])[]): Promise<void> => {
      await using plane = await TestControlPlane.start();
      await plane.client.nodes().create({ metadata: { name: 'node' } });
      const spec = { selector: { app: 'web' }, ports: [{ port: 80 }] };
      await plane.client.services('default').create({ metadata: { name: 'web' }, spec } as Service);
      const trial = new Trial(plane);
      await trial.start();
      for (const [action, choice, seconds] of steps) {
        await trial.do(action, choice);
        if (seconds > 0) await trial.fixture?.advance(seconds * 400);
      }
      await trial.fixture?.until(async () => (await trial.have()).every((have) => have === trial.wanted));
      await trial.fixture?.advance(20_000);
      expect(await trial.have()).toEqual([trial.wanted, trial.wanted]);
      await trial.stop();
      const { writes, wrap } = countingTransport({ events: true });
      await using after = await ControllerFixture.start(controllers, { plane, wrap });
      await after.advance(10_000);
      expect(writes).toEqual([]);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 25 }), run), { numRuns: 12 });
  });
});
