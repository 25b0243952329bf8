/** A profile with all that belongs to it at run time. */
import type { NodeSelector } from './fast/node-selector.ts';
import type { Profile } from './framework/profile.ts';
import type { QueueingHints } from './queue/queueing-hints.ts';
import type { SchedulerEvents } from './events.ts';

export interface ConfiguredProfile {
  readonly profile: Profile;
  readonly selector: NodeSelector;
  readonly hints: QueueingHints;
  readonly events: SchedulerEvents;
}
