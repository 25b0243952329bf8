/**
 * The watches that wait for events. Those that want one value of one attribute (a pod's node, an
 * object's name) are asked only when an event has it, so that a thousand kubelets do not make each
 * change of a pod a thousand times dearer (`cacher.go`, `indexedWatchers`).
 */
import type { AttributeKind } from './attribute-index.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { EventHistory, HistoryEvent } from './history.ts';

/** The one value that all events of a watch have, before or after the change. */
export interface Trigger {
  readonly kind: AttributeKind;
  readonly key: string;
  readonly value: string;
}

export interface WaitingCursor {
  readonly trigger: Trigger | undefined;
  /** False: nothing for it, it goes on waiting. */
  wake(): boolean;
  /** It has nothing to see before this number of the history. */
  skipTo(number: number): void;
}

export class WaitingCursors {
  #general: WaitingCursor[] = [];
  /** By attribute, then by value. */
  readonly #triggered = new Map<string, Map<string, Set<WaitingCursor>>>();
  #seen = 0;

  /** A new history begins: numbers start anew. */
  reset(): void {
    this.#seen = 0;
  }

  add(cursor: WaitingCursor): void {
    const { trigger } = cursor;
    if (trigger === undefined) {
      this.#general.push(cursor);
      return;
    }
    const attribute = `${trigger.kind}:${trigger.key}`;
    let byValue = this.#triggered.get(attribute);
    if (byValue === undefined) this.#triggered.set(attribute, (byValue = new Map()));
    const waiting = byValue.get(trigger.value);
    if (waiting === undefined) byValue.set(trigger.value, new Set([cursor]));
    else waiting.add(cursor);
  }

  /** The cursor goes on by itself (or ends). */
  remove(cursor: WaitingCursor): void {
    const { trigger } = cursor;
    if (trigger === undefined) {
      const at = this.#general.indexOf(cursor);
      if (at >= 0) this.#general.splice(at, 1);
    } else if (this.#take(trigger, cursor)) cursor.skipTo(this.#seen);
  }

  /** Tells those whom the events since the last call may concern. */
  wake(history: EventHistory): void {
    const from = this.#seen;
    this.#seen = history.end;
    this.#wakeGeneral();
    if (this.#triggered.size === 0) return;
    for (const cursor of this.#concerned(history, from)) {
      cursor.skipTo(from);
      if (!cursor.wake()) this.add(cursor);
    }
  }

  #wakeGeneral(): void {
    const waiting = this.#general;
    if (waiting.length === 0) return;
    this.#general = [];
    for (const cursor of waiting) if (!cursor.wake()) this.#general.push(cursor);
  }

  /** Taken out of the waiting ones. */
  #concerned(history: EventHistory, from: number): WaitingCursor[] {
    const out: WaitingCursor[] = [];
    // More events at once than the window holds: all of them look for themselves.
    if (from < history.first) {
      for (const byValue of this.#triggered.values()) for (const set of byValue.values()) out.push(...set);
      this.#triggered.clear();
      return out;
    }
    for (let number = from; number < history.end; number++) this.#collect(history.at(number), out);
    return out;
  }

  #collect(event: HistoryEvent, out: WaitingCursor[]): void {
    for (const [attribute, byValue] of this.#triggered) {
      const now = valueOf(event.current, attribute);
      const before = valueOf(event.previous, attribute);
      this.#collectValue(byValue, now, out);
      if (before !== now) this.#collectValue(byValue, before, out);
      if (byValue.size === 0) this.#triggered.delete(attribute);
    }
  }

  #collectValue(byValue: Map<string, Set<WaitingCursor>>, value: string | undefined, out: WaitingCursor[]): void {
    if (value === undefined) return;
    const waiting = byValue.get(value);
    if (waiting === undefined) return;
    byValue.delete(value);
    out.push(...waiting);
  }

  #take(trigger: Trigger, cursor: WaitingCursor): boolean {
    const byValue = this.#triggered.get(`${trigger.kind}:${trigger.key}`);
    const waiting = byValue?.get(trigger.value);
    if (byValue === undefined || waiting === undefined || !waiting.delete(cursor)) return false;
    if (waiting.size === 0) byValue.delete(trigger.value);
    return true;
  }
}

function valueOf(entry: CacheEntry | undefined, attribute: string): string | undefined {
  if (entry === undefined) return undefined;
  if (attribute === 'field:metadata.name') return entry.name;
  const key = attribute.slice(attribute.indexOf(':') + 1);
  return attribute.startsWith('label:') ? entry.labels?.[key] : entry.fields[key];
}
