/** Controllers under test that are stopped, started anew and cut off in the middle of their work. */
import { failure } from '@kubets/apimachinery/status';
import type { Transport } from '@kubets/client';
import { FaultyTransport } from '@kubets/client/testing';
import type { ControllerDescriptor } from '../controller.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { countingTransport } from './counting-transport.ts';

/** What happens to the controllers and their connection; `repeat`: every event comes twice from now on. */
export type Trouble = 'stall' | 'reset' | 'repeat' | 'refuse' | 'conflict' | 'restart';

export const troubles: readonly Trouble[] = ['stall', 'reset', 'repeat', 'refuse', 'conflict', 'restart'];

export class DisturbedController implements AsyncDisposable {
  /** Runs no controllers: the client, the clock and the plane of the test. */
  readonly base: ControllerFixture;
  readonly #descriptors: readonly ControllerDescriptor[];
  readonly #counting = countingTransport();
  #faulty: FaultyTransport | undefined;
  #running: ControllerFixture | undefined;

  private constructor(base: ControllerFixture, descriptors: readonly ControllerDescriptor[]) {
    this.base = base;
    this.#descriptors = descriptors;
  }

  static async start(descriptors: readonly ControllerDescriptor[]): Promise<DisturbedController> {
    const disturbed = new DisturbedController(await ControllerFixture.start([]), descriptors);
    await disturbed.#restart();
    return disturbed;
  }

  /** What the controllers have written, Events left out. */
  get writes(): string[] {
    return this.#counting.writes;
  }

  async trouble(trouble: Trouble): Promise<void> {
    switch (trouble) {
      case 'stall':
        return this.#faulty?.stallOpen();
      case 'reset':
        return this.#faulty?.reset();
      case 'repeat':
        if (this.#faulty !== undefined) this.#faulty.filter = (event) => [event, event];
        return;
      case 'refuse':
        return void this.#faulty?.faults.push(failure('InternalError', 'out of order'));
      case 'conflict':
        return void this.#faulty?.faults.push(failure('Conflict', 'too late'));
      case 'restart':
        return await this.#restart();
    }
  }

  /** No more trouble: what was stalled goes on. */
  calm(): void {
    if (this.#faulty === undefined) return;
    this.#faulty.stalled = false;
    this.#faulty.filter = (event) => [event];
    this.#faulty.faults.length = 0;
    this.#faulty.reset();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    await this.base[Symbol.asyncDispose]();
  }

  async #restart(): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    const wrap = (inner: Transport): Transport => (this.#faulty = new FaultyTransport(this.#counting.wrap(inner)));
    this.#running = await ControllerFixture.start(this.#descriptors, { plane: this.base.plane, wrap });
  }
}
