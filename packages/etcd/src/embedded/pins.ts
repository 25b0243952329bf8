/** Revisions whose state readers still need: superseded records above them stay until they are done. */
export class Pins {
  readonly #held = new Set<{ revision: number }>();

  /** The oldest pinned revision, or infinity. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { revision } of this.#held) oldest = Math.min(oldest, revision);
    return oldest;
  }

  /** The state as of `revision` and every later one stays readable until the pin is disposed. */
  hold(revision: number): Pin {
    const entry = { revision };
    this.#held.add(entry);
    return {
      move: (to) => {
        entry.revision = to;
      },
      [Symbol.dispose]: () => {
        this.#held.delete(entry);
      },
    };
  }
}

export interface Pin extends Disposable {
  move(revision: number): void;
}
