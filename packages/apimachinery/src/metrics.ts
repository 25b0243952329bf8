/**
 * Metrics in Prometheus' text format 0.0.4, cheap enough for the hot path: a series is found by one
 * Map look-up with its ready-made label text, and counting is an addition.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Label names and values as they appear between the braces; '' when there are none. */
export type LabelText = string;

function escapeValue(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** `a="1",b="2"`, in the order given (upstream's is alphabetical). */
export function labelText(labels: Readonly<Record<string, string>>): LabelText {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
    .join(',');
}

/** As Prometheus writes numbers. */
function number(value: number): string {
  if (value === Infinity) return '+Inf';
  return String(value);
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Lines without their line ends. */
  collect(): string[];
}

/** One number that is added to in place: keep it, and counting costs nothing but the addition. */
export interface Cell {
  value: number;
}

/** A counter or gauge with labels. */
export class Values implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly #cells = new Map<LabelText, Cell>();

  constructor(name: string, help: string, type: 'counter' | 'gauge') {
    this.name = name;
    this.help = help;
    this.type = type;
  }

  /** The cell of a series; made when it is new. */
  cell(labels: LabelText = ''): Cell {
    let cell = this.#cells.get(labels);
    if (cell === undefined) {
      cell = { value: 0 };
      this.#cells.set(labels, cell);
    }
    return cell;
  }

  add(amount: number, labels: LabelText = ''): void {
    this.cell(labels).value += amount;
  }

  set(value: number, labels: LabelText = ''): void {
    this.cell(labels).value = value;
  }

  collect(): string[] {
    const lines: string[] = [];
    for (const [labels, cell] of this.#cells) {
      lines.push(`${this.name}${labels === '' ? '' : `{${labels}}`} ${number(cell.value)}`);
    }
    return lines;
  }
}

/** The buckets, sum and count of one series. */
export class HistogramSeries {
  readonly #bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] as number)) {
        // Not cumulative: summed up when collected.
        this.counts[i] = (this.counts[i] as number) + 1;
        return;
      }
    }
  }
}

export class Histogram implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #bounds: readonly number[];
  readonly #series = new Map<LabelText, HistogramSeries>();

  /** `bounds` ascending, without +Inf. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
  }

  series(labels: LabelText = ''): HistogramSeries {
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = new HistogramSeries(this.#bounds);
      this.#series.set(labels, series);
    }
    return series;
  }

  observe(value: number, labels: LabelText = ''): void {
    this.series(labels).observe(value);
  }

  collect(): string[] {
    const lines: string[] = [];
    for (const [labels, series] of this.#series) this.#lines(labels, series, lines);
    return lines;
  }

  #lines(labels: LabelText, series: HistogramSeries, lines: string[]): void {
    const prefix = labels === '' ? '' : `${labels},`;
    let total = 0;
    this.#bounds.forEach((bound, i) => {
      total += series.counts[i] as number;
      lines.push(`${this.name}_bucket{${prefix}le="${number(bound)}"} ${total}`);
    });
    const braces = labels === '' ? '' : `{${labels}}`;
    lines.push(`${this.name}_bucket{${prefix}le="+Inf"} ${series.count}`);
    lines.push(`${this.name}_sum${braces} ${number(series.sum)}`, `${this.name}_count${braces} ${series.count}`);
  }
}

/** A family whose values are looked up when somebody asks. */
export class Collected implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly #read: () => Iterable<readonly [LabelText, number]>;

  constructor(
    head: { name: string; help: string; type: 'counter' | 'gauge' },
    read: () => Iterable<readonly [LabelText, number]>,
  ) {
    this.name = head.name;
    this.help = head.help;
    this.type = head.type;
    this.#read = read;
  }

  collect(): string[] {
    return [...this.#read()].map(
      ([labels, value]) => `${this.name}${labels === '' ? '' : `{${labels}}`} ${number(value)}`,
    );
  }
}

/** All families of a process, in the order of their names. */
export class MetricsRegistry {
  readonly #families = new Map<string, MetricFamily>();

  /** Throws when the name is taken. Returns the family. */
  register<T extends MetricFamily>(family: T): T {
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is registered twice`);
    this.#families.set(family.name, family);
    return family;
  }

  counter(name: string, help: string): Values {
    return this.register(new Values(name, help, 'counter'));
  }

  gauge(name: string, help: string): Values {
    return this.register(new Values(name, help, 'gauge'));
  }

  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.register(new Histogram(name, help, bounds));
  }

  collected(
    head: { name: string; help: string; type: 'counter' | 'gauge' },
    read: () => Iterable<readonly [LabelText, number]>,
  ): Collected {
    return this.register(new Collected(head, read));
  }

  /** The exposition. Families without series are left out, as client_golang leaves them out. */
  text(): string {
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].toSorted()) {
      const family = this.#families.get(name) as MetricFamily;
      const values = family.collect();
      if (values.length === 0) continue;
      lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`, ...values);
    }
    return `${lines.join('\n')}\n`;
  }
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';
