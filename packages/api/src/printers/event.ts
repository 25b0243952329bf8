/** Rows of Events, in the shape of either group that serves them (`printEvent`). */
import { nameOf, since, type Named } from './format.ts';

interface Target {
  readonly kind?: string;
  readonly name?: string;
  readonly fieldPath?: string;
}

interface Source {
  readonly component?: string;
  readonly host?: string;
}

/** The fields of `v1` and, behind them, those of `events.k8s.io/v1`. */
export interface AnyEvent extends Named {
  readonly type?: string;
  readonly reason?: string;
  readonly eventTime?: string | null;
  readonly reportingInstance?: string;
  readonly involvedObject?: Target;
  readonly message?: string;
  readonly source?: Source;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly count?: number;
  readonly reportingComponent?: string;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string | null } | null;
  readonly regarding?: Target;
  readonly note?: string;
  readonly deprecatedSource?: Source;
  readonly deprecatedFirstTimestamp?: string | null;
  readonly deprecatedLastTimestamp?: string | null;
  readonly deprecatedCount?: number;
  readonly reportingController?: string;
}

function sourceOf(event: AnyEvent): string {
  const source = event.source ?? event.deprecatedSource;
  const component = source?.component || event.reportingComponent || event.reportingController || '';
  const instance = source?.host || event.reportingInstance || '';
  return instance === '' ? component : `${component}, ${instance}`;
}

function targetOf(target: Target | undefined): string {
  const kind = (target?.kind ?? '').toLowerCase();
  return target?.name ? `${kind}/${target.name}` : kind;
}

/** Ages of the last and first time, object, source, count. */
export function eventCells(event: AnyEvent, now: number): unknown[] {
  const first = since(event.firstTimestamp || event.deprecatedFirstTimestamp || event.eventTime, now);
  const lastTimestamp = event.lastTimestamp || event.deprecatedLastTimestamp;
  const last = lastTimestamp ? since(lastTimestamp, now) : first;
  const { series } = event;
  const target = event.involvedObject ?? event.regarding;
  return [
    series ? since(series.lastObservedTime, now) : last,
    event.type ?? '',
    event.reason ?? '',
    targetOf(target),
    target?.fieldPath ?? '',
    sourceOf(event),
    (event.message ?? event.note ?? '').trim(),
    first,
    // Events of the new API that happened once carry no count.
    series ? (series.count ?? 0) : event.count || event.deprecatedCount || 1,
    nameOf(event),
  ];
}
