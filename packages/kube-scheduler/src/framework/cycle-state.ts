/** What plugins keep between the extension points of one attempt to schedule one pod (`pkg/scheduler/framework/cycle_state.go`). */

/** What a plugin keeps. `clone` is called before preemption tries things out: return `this` when `addPod`/`removePod` never change it. */
export interface StateData {
  clone(): StateData;
}

/** The key under which a plugin keeps data of the type `T`. Make one per use, as a module constant. */
export class StateKey<T extends StateData> {
  readonly name: string;
  /** Never there: carries the type. */
  readonly data?: T;

  constructor(name: string) {
    this.name = name;
  }
}

export class CycleState {
  readonly #data = new Map<StateKey<StateData>, StateData>();
  /** PreFilter of all plugins has run: what copies hold now is not to be worked out anew. */
  prepared = false;
  /** Plugins whose PreFilter answered Skip: neither Filter nor AddPod/RemovePod are called. */
  skipFilter: ReadonlySet<string> = noPlugins;
  /** Plugins whose PreScore answered Skip. */
  skipScore: ReadonlySet<string> = noPlugins;

  get<T extends StateData>(key: StateKey<T>): T | undefined {
    return this.#data.get(key) as T | undefined;
  }

  /** Throws when nothing was kept: a plugin's own earlier extension point should have. */
  need<T extends StateData>(key: StateKey<T>): T {
    const data = this.#data.get(key);
    if (data === undefined) throw new Error(`reading "${key.name}" from cycleState: not found`);
    return data as T;
  }

  set<T extends StateData>(key: StateKey<T>, data: T): void {
    this.#data.set(key, data);
  }

  delete(key: StateKey<StateData>): void {
    this.#data.delete(key);
  }

  /** A deep copy as far as plugins clone their data. */
  clone(): CycleState {
    const copy = new CycleState();
    for (const [key, data] of this.#data) copy.#data.set(key, data.clone());
    copy.prepared = this.prepared;
    copy.skipFilter = this.skipFilter;
    copy.skipScore = this.skipScore;
    return copy;
  }
}

const noPlugins: ReadonlySet<string> = new Set();
