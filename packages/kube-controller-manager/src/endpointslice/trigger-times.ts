/**
 * When what led to a change of endpoints happened (upstream `staging/src/k8s.io/endpointslice/util/trigger_time_tracker.go`).
 * Changes of one object between two looks count once.
 */
import { podCondition } from '@kubets/api/core/helpers/pod';
import type { Pod, Service } from '@kubets/api/types/core-v1';

interface Known {
  /** RFC 3339 in UTC: they compare as text. */
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /**
   * The earliest of the times that are new since the last call for this Service, RFC 3339; at the first call the Service's
   * creation. Undefined when nothing is new.
   */
  next(key: string, service: Readonly<Service>, pods: readonly Readonly<Pod>[]): string | undefined {
    const before = this.#known.get(key);
    let earliest: string | undefined;
    const consider = (time: string, last: string | undefined): void => {
      if (last !== undefined && time <= last) return;
      if (earliest === undefined || time < earliest) earliest = time;
    };
    const times = new Map<string, string>();
    for (const pod of pods) {
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      const name = pod.metadata.name ?? '';
      if (time === undefined || time === null) continue;
      times.set(name, time);
      consider(time, before?.pods.get(name));
    }
    const created = service.metadata.creationTimestamp ?? '';
    if (created !== '') consider(created, before?.service);
    this.#known.set(key, { service: created, pods: times });
    return before === undefined ? created || undefined : earliest;
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#known.delete(key);
  }
}
