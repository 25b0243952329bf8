/** The metrics of one manager, whose controllers may come into being more than once. */
import { Collected, MetricsRegistry, type MetricFamily } from '@kubets/apimachinery/metrics';

/** A family that another one of the same name can take the place of. */
class Replaceable implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricFamily['type'];
  family: MetricFamily;

  constructor(family: MetricFamily) {
    this.name = family.name;
    this.help = family.help;
    this.type = family.type;
    this.family = family;
  }

  collect(): string[] {
    return this.family.collect();
  }
}

/**
 * A registry in which a name may be registered again: a controller that is made anew goes on counting where its
 * predecessor stopped, and what is looked up is looked up in the newer one.
 */
export class RestartableMetrics extends MetricsRegistry {
  readonly #known = new Map<string, Replaceable>();

  /** Returns the family to use. Throws when the name is taken by a family of another type. */
  override register<T extends MetricFamily>(family: T): T {
    const known = this.#known.get(family.name);
    if (known === undefined) {
      this.#known.set(family.name, super.register(new Replaceable(family)));
      return family;
    }
    if (known.type !== family.type || known.family.constructor !== family.constructor) {
      throw new Error(`metric ${family.name} is registered with two types`);
    }
    if (family instanceof Collected) known.family = family;
    // Of the same class, as was just found.
    return known.family as T;
  }
}
