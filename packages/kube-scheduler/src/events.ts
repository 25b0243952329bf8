/** The scheduler's Events: as many at a time as keep up with it, in order for each object. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { EventSeriesRecorder, type EventNote, type KubeClient, type ObjectReference } from '@kubets/client';

export interface SchedulerEventsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** `default-scheduler`: the profile's name. */
  readonly reportingController: string;
  /** Of this process: the host's name, mostly. */
  readonly instance: string;
  readonly onDropped: (reason: string, error?: unknown) => void;
}

/** A recorder waits for each event to arrive before it sends the next. */
const lanes = 16;

export class SchedulerEvents implements AsyncDisposable {
  readonly #recorders: readonly EventSeriesRecorder[];

  constructor({ client, clock, random, reportingController, instance, onDropped }: SchedulerEventsOptions) {
    const reportingInstance = `${reportingController}-${instance}`.slice(0, 128);
    const options = { events: client.eventsV1(), reportingController, reportingInstance, clock, random, onDropped };
    this.#recorders = Array.from({ length: lanes }, () => new EventSeriesRecorder(options));
  }

  /** Records and returns at once. */
  event(regarding: Readonly<ApiObject> | ObjectReference, note: EventNote): void {
    const { name = '' } = 'metadata' in regarding ? (regarding as Readonly<ApiObject>).metadata : regarding;
    let hash = 0;
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
    this.#recorders[Math.abs(hash) % lanes]?.event(regarding, note);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder.flush()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#recorders.map((recorder) => recorder[Symbol.asyncDispose]()));
  }
}
