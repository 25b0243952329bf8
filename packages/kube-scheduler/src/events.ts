/** The scheduler's Events. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { EventSeriesRecorder, type KubeClient } from '@kubets/client';

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

/** Longer ones are refused by servers. */
const maxInstanceLength = 128;

/** A profile's recorder. */
export class SchedulerEvents extends EventSeriesRecorder {
  constructor({ client, clock, random, reportingController, instance, onDropped }: SchedulerEventsOptions) {
    const reportingInstance = `${reportingController}-${instance}`.slice(0, maxInstanceLength);
    super({ events: client.eventsV1(), reportingController, reportingInstance, clock, random, onDropped });
  }
}
