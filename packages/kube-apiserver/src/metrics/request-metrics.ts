/** What the API server counts about its requests (`apiserver/pkg/endpoints/metrics/metrics.go`). */
import type { ApiRequest, RequestInfo } from '../server/types.ts';
import {
  labelText,
  type Cell,
  type Histogram,
  type HistogramSeries,
  type MetricsRegistry,
  type Values,
} from '@kubets/apimachinery/metrics';

const durationBounds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const sizeBounds = [1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head']);

/** Everything that does not change between two requests of one sort. */
interface Series {
  readonly duration: HistogramSeries;
  readonly sizes: HistogramSeries;
  readonly longRunning: Cell;
  readonly codes: Map<number, Cell>;
  readonly base: Readonly<Record<string, string>>;
}

/** `cluster`, `namespace` or `resource` (`CleanScope`). */
function scopeOf(info: RequestInfo): string {
  if (info.name !== '' || info.verb === 'create') return 'resource';
  if (info.namespace !== '') return 'namespace';
  return info.isResourceRequest ? 'cluster' : '';
}

/** `APPLY`, `WATCH`, `LIST`, …: upper case, unknown ones as `other` (`cleanVerb`). */
const knownVerbs: ReadonlySet<string> = new Set([
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'post',
  'put',
  'head',
  'options',
  'proxy',
]);

const methodOfVerb: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };

function verbOf(request: ApiRequest): string {
  const { verb } = request.info;
  if (verb === 'patch' && (request.headers['content-type'] ?? '').startsWith('application/apply-patch')) {
    return 'APPLY';
  }
  return knownVerbs.has(verb) ? (methodOfVerb[verb] ?? verb.toUpperCase()) : 'other';
}

export class RequestMetrics {
  readonly #total: Values;
  readonly #duration: Histogram;
  readonly #sizes: Histogram;
  readonly #longRunning: Values;
  readonly #reading: Cell;
  readonly #mutating: Cell;
  readonly #series = new Map<string, Series>();
  readonly #terminations: Cell;

  constructor(registry: MetricsRegistry) {
    this.#total = registry.counter(
      'apiserver_request_total',
      'Requests by verb, dry run, resource, scope, component and HTTP code.',
    );
    this.#duration = registry.histogram(
      'apiserver_request_duration_seconds',
      'Time to answer, in seconds.',
      durationBounds,
    );
    this.#sizes = registry.histogram('apiserver_response_sizes', 'Size of the answers, in bytes.', sizeBounds);
    this.#longRunning = registry.gauge('apiserver_longrunning_requests', 'Long-running requests that are open.');
    const inflight = registry.gauge(
      'apiserver_current_inflight_requests',
      'Requests that are being worked on, by kind.',
    );
    this.#reading = inflight.cell('request_kind="readOnly"');
    this.#mutating = inflight.cell('request_kind="mutating"');
    const terminations = registry.counter(
      'apiserver_request_terminations_total',
      'Requests that the server ended in self-defence.',
    );
    this.#terminations = terminations.cell('code="429"');
  }

  /** The gauge cell to count a running request in: add 1, and take it off when done. */
  inflight(request: ApiRequest): Cell {
    return readVerbs.has(request.info.verb) ? this.#reading : this.#mutating;
  }

  rejected(): void {
    this.#terminations.value++;
  }

  /** The gauge cell of an open watch. */
  longRunning(request: ApiRequest): Cell {
    return this.#of(request).longRunning;
  }

  finished(request: ApiRequest, code: number, seconds: number): void {
    const series = this.#of(request);
    series.duration.observe(seconds);
    let cell = series.codes.get(code);
    if (cell === undefined) {
      cell = this.#total.cell(totalLabels(series.base, code));
      series.codes.set(code, cell);
    }
    cell.value++;
  }

  size(request: ApiRequest, bytes: number): void {
    this.#of(request).sizes.observe(bytes);
  }

  #of(request: ApiRequest): Series {
    const { info } = request;
    const dryRun = dryRunOf(request);
    const verb = verbOf(request);
    // The path of a non-resource request is no label: it would make a series per path.
    const key = `${verb} ${info.group} ${info.version} ${info.resource} ${info.subresource} ${scopeOf(info)} ${dryRun}`;
    return this.#series.get(key) ?? this.#make(key, request, verb);
  }

  /** Names come from clients: beyond a number of series all others share one. */
  #overflow(): Series {
    return this.#series.get('') ?? this.#add('', { ...noLabels, verb: 'other' }, '');
  }

  #make(key: string, request: ApiRequest, verb: string): Series {
    if (this.#series.size >= maxSeries) return this.#overflow();
    const { group, version, resource, subresource } = request.info;
    const labels = {
      component: 'apiserver',
      group,
      resource,
      scope: scopeOf(request.info),
      subresource,
      verb,
      version,
    };
    return this.#add(key, labels, dryRunOf(request));
  }

  #add(key: string, labels: typeof noLabels, dryRun: string): Series {
    const { component, ...rest } = labels;
    const base = { component, dry_run: dryRun, ...rest };
    const series: Series = {
      duration: this.#duration.series(labelText(base)),
      sizes: this.#sizes.series(labelText(labels)),
      longRunning: this.#longRunning.cell(labelText(labels)),
      codes: new Map(),
      base,
    };
    this.#series.set(key, series);
    return series;
  }
}

const noLabels = {
  component: 'apiserver',
  group: '',
  resource: '',
  scope: '',
  subresource: '',
  verb: '',
  version: '',
};

const maxSeries = 4096;

function dryRunOf(request: ApiRequest): string {
  return request.query.size > 0 && request.query.get('dryRun') === 'All' ? 'All' : '';
}

function totalLabels(base: Readonly<Record<string, string>>, code: number): string {
  return labelText({ code: String(code), ...base });
}
