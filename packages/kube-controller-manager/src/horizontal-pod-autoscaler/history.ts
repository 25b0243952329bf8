/** What an autoscaler remembers of its recent past; lost with the process, as upstream's (`horizontal.go`, `recommendations`, `scaleUpEvents`). */

export interface Recommendation {
  readonly replicas: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface ScaleEvent {
  /** By how many replicas, always positive. */
  readonly change: number;
  readonly at: number;
}

export class History {
  #recommendations: Recommendation[] = [];
  #scaleUps: ScaleEvent[] = [];
  #scaleDowns: ScaleEvent[] = [];

  get recommendations(): readonly Recommendation[] {
    return this.#recommendations;
  }

  get scaleUps(): readonly ScaleEvent[] {
    return this.#scaleUps;
  }

  get scaleDowns(): readonly ScaleEvent[] {
    return this.#scaleDowns;
  }

  /** The first thing known after a start: what there is was once recommended (`recordInitialRecommendation`). */
  begin(replicas: number, now: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas, at: now });
  }

  /** Adds a recommendation; forgets those older than the window. */
  recommend(replicas: number, now: number, windowMs: number): void {
    this.#recommendations = this.#recommendations.filter(({ at }) => at >= now - windowMs);
    this.#recommendations.push({ replicas, at: now });
  }

  /** Adds a change that was made; forgets those older than the window (`storeScaleEvent`). */
  scaled(change: number, now: number, windowMs: number): void {
    const recent = ({ at }: ScaleEvent): boolean => at >= now - windowMs;
    const event = { change: Math.abs(change), at: now };
    if (change > 0) this.#scaleUps = [...this.#scaleUps.filter(recent), event];
    else this.#scaleDowns = [...this.#scaleDowns.filter(recent), event];
  }
}
