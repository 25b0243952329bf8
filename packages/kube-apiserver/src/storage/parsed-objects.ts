/**
 * Keeps parsed objects only while they are in use: two generations, bounded by the size of their JSON.
 * An object that was not asked for during a whole generation is dropped, and parsed again when needed.
 */

export interface Parsed {
  /** Forgets the parsed object; the bytes stay. */
  drop(): void;
  /** The generation of the last use. Only {@link ParsedObjects} writes it. */
  parsedGeneration: number;
}

export class ParsedObjects {
  readonly #limit: number;
  #generation = 1;
  #bytes = 0;
  #young: Parsed[] = [];
  #old: Parsed[] = [];

  /**
   * `limitBytes`: JSON bytes of one generation; at most twice as much is held parsed. Small, as what is written and
   * not read again is then garbage before the collector has copied it twice.
   */
  constructor(limitBytes = 512 * 1024) {
    this.#limit = limitBytes;
  }

  /** Notes a use. Cheap when the entry was used in this generation already. */
  touch(entry: Parsed, bytes: number): void {
    if (entry.parsedGeneration === this.#generation) return;
    entry.parsedGeneration = this.#generation;
    this.#young.push(entry);
    this.#bytes += bytes;
    if (this.#bytes > this.#limit) this.#turn();
  }

  #turn(): void {
    for (const entry of this.#old) if (entry.parsedGeneration < this.#generation) entry.drop();
    this.#old = this.#young;
    this.#young = [];
    this.#bytes = 0;
    this.#generation++;
  }
}
