/** Pods that wait for something to happen, found by the plugins that have rejected them. */
import type { QueuedPod } from './queued-pod.ts';

export class WaitingPods {
  readonly #pods = new Map<string, QueuedPod>();
  readonly #byPlugin = new Map<string, Set<QueuedPod>>();

  get size(): number {
    return this.#pods.size;
  }

  has(key: string): boolean {
    return this.#pods.has(key);
  }

  /** A copy: the caller may move pods while looking at them. */
  list(): QueuedPod[] {
    return [...this.#pods.values()];
  }

  /** Those that one of the plugins which satisfy the condition has rejected. */
  rejectedBy(condition: (plugin: string) => boolean): QueuedPod[] {
    let found: ReadonlySet<QueuedPod> | undefined;
    for (const [plugin, pods] of this.#byPlugin) {
      if (condition(plugin)) found = found === undefined ? pods : found.union(pods);
    }
    return found === undefined ? [] : [...found];
  }

  add(pod: QueuedPod): void {
    this.delete(pod);
    this.#pods.set(pod.key, pod);
    pod.waitsFor = [...pod.unschedulablePlugins, ...pod.pendingPlugins];
    for (const plugin of pod.waitsFor) {
      const pods = this.#byPlugin.get(plugin);
      if (pods === undefined) this.#byPlugin.set(plugin, new Set([pod]));
      else pods.add(pod);
    }
  }

  delete(pod: QueuedPod): void {
    if (!this.#pods.delete(pod.key)) return;
    for (const plugin of pod.waitsFor) {
      const pods = this.#byPlugin.get(plugin);
      pods?.delete(pod);
      if (pods?.size === 0) this.#byPlugin.delete(plugin);
    }
    pod.waitsFor = [];
  }
}
