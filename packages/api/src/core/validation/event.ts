/** Events, as both API groups check them (`pkg/apis/core/validation/events.go`). Objects have the core group's shape. */
import type { FieldError } from '@kubets/apimachinery/field';
import { byteLength, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Event } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import { nameIsSubdomain, qualifiedName } from './pod-names.ts';

/** Which group the request came through: the core group asks for little. */
export type EventApi = 'core' | 'events.k8s.io';

const maxShort = 128;
const maxMessage = 1024;
const otherNamespace = 'does not match event.namespace';

function checkText(errors: ErrorList, [field, text]: readonly [string, string | undefined], max: number): void {
  if (!text && max === maxShort) errors.required(field);
  if (byteLength(text ?? '') > max) errors.invalid(field, '', `can have at most ${max} characters`);
}

function checkNew(errors: ErrorList, event: Event, api: EventApi): void {
  const about = event.involvedObject.namespace ?? '';
  const { namespace = '' } = event.metadata;
  if (about === '' && namespace !== 'default' && namespace !== 'kube-system') {
    errors.invalid('involvedObject.namespace', about, otherNamespace);
  }
  const { reportingComponent: reporter = '' } = event;
  const field = api === 'core' ? 'reportingComponent' : 'reportingController';
  if (reporter === '') errors.required(field);
  errors.eachInvalid(field, reporter, qualifiedName(reporter));
  checkText(errors, ['reportingInstance', event.reportingInstance], maxShort);
  checkText(errors, ['action', event.action], maxShort);
  checkText(errors, ['reason', event.reason], maxShort);
  checkText(errors, ['message', event.message], maxMessage);
}

function checkLegacyNamespace(errors: ErrorList, event: Event): void {
  const about = event.involvedObject.namespace ?? '';
  const { namespace = '' } = event.metadata;
  const fits = about === '' ? namespace === '' || namespace === 'default' : about === namespace;
  if (!fits) errors.invalid('involvedObject.namespace', about, otherNamespace);
}

/** `legacyValidateEvent`: an event with an eventTime is one of the new sort, with more rules. */
function checkLegacy(errors: ErrorList, event: Event, api: EventApi): void {
  if (event.eventTime) checkNew(errors, event, api);
  else checkLegacyNamespace(errors, event);
  const { namespace = '' } = event.metadata;
  errors.eachInvalid('namespace', namespace, isDNS1123Subdomain(namespace));
}

function checkSeries(errors: ErrorList, { series }: Event): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.invalid('series.count', '', 'should be at least 2');
  if (!series.lastObservedTime) errors.required('series.lastObservedTime');
}

const unset = 'needs to be unset';

export function validateEventCreate(event: Event, api: EventApi): FieldError[] {
  const errors = new ErrorList();
  checkLegacy(errors, event, api);
  if (api === 'core') return errors.errors;
  const { name = '' } = event.metadata;
  errors.eachInvalid('metadata.name', name, nameIsSubdomain(name, false));
  checkSeries(errors, event);
  if (!event.eventTime) errors.required('eventTime');
  if (event.type !== 'Normal' && event.type !== 'Warning') {
    errors.invalid('type', '', `has invalid value: ${event.type ?? ''}`);
  }
  if (event.firstTimestamp) errors.invalid('firstTimestamp', '', unset);
  if (event.lastTimestamp) errors.invalid('lastTimestamp', '', unset);
  if (event.count) errors.invalid('count', '', unset);
  if (event.source?.component || event.source?.host) errors.invalid('source', '', unset);
  return errors.errors;
}

const immutable: readonly (readonly [field: keyof Event, shown: string, zero: unknown])[] = [
  ['involvedObject', 'involvedObject', {}],
  ['reason', 'reason', ''],
  ['message', 'message', ''],
  ['type', 'type', ''],
  ['firstTimestamp', 'firstTimestamp', null],
  ['lastTimestamp', 'lastTimestamp', null],
  ['count', 'count', 0],
  ['source', 'source', {}],
  ['eventTime', 'eventTime', null],
  ['action', 'action', ''],
  ['related', 'related', null],
  ['reportingComponent', 'reportingController', ''],
  ['reportingInstance', 'reportingInstance', ''],
];

export function validateEventUpdate(event: Event, old: Readonly<Event>, api: EventApi): FieldError[] {
  const errors = new ErrorList();
  checkLegacy(errors, event, api);
  if (api === 'core') return errors.errors;
  if (!semanticEqual(event.series, old.series)) checkSeries(errors, event);
  for (const [field, shown, zero] of immutable) {
    if (!semanticEqual(event[field], old[field])) errors.invalid(shown, event[field] ?? zero, 'field is immutable');
  }
  return errors.errors;
}
