/** Which autoscalers select which pods (upstream `horizontal.go`, `hpasControllingPodsUnderSelector`). */
import type { Selector } from '@kubets/apimachinery/labels';
import type { Pod } from '@kubets/api/types/core-v1';

interface Entry {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Selector;
}

export class AutoscalerSelectors {
  readonly #byKey = new Map<string, Entry>();

  put(key: string, entry: Entry): void {
    this.#byKey.set(key, entry);
  }

  delete(key: string): void {
    this.#byKey.delete(key);
  }

  /** Those that select any of the pods, as `{name namespace}` in upstream's words; pods are of one namespace. */
  selecting(namespace: string, pods: readonly Readonly<Pod>[]): string[] {
    return [...this.#byKey.values()]
      .filter(
        (entry) =>
          entry.namespace === namespace && pods.some(({ metadata }) => entry.selector.matches(metadata.labels)),
      )
      .map((entry) => `{${entry.name} ${entry.namespace}}`);
  }
}
