/** What was done for a write, to be kept or undone when the write's fate is known. */
export class Transaction {
  readonly #onCommit: (() => void | Promise<void>)[] = [];
  readonly #onRevert: (() => void | Promise<void>)[] = [];

  onCommit(action: () => void | Promise<void>): void {
    this.#onCommit.push(action);
  }

  onRevert(action: () => void | Promise<void>): void {
    this.#onRevert.push(action);
  }

  /** Runs what belongs to the outcome. Call it once. */
  async finish(succeeded: boolean): Promise<void> {
    for (const action of succeeded ? this.#onCommit : this.#onRevert.toReversed()) await action();
  }
}
