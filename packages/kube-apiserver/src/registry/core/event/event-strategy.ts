/** Events of the core group and of events.k8s.io, stored in one shape (`pkg/registry/core/event/strategy.go`). */
import { validateEventCreate, validateEventUpdate, type EventApi } from '@kubets/api/core/validation/event';
import type { Event } from '@kubets/api/types/core-v1';
import { validatePathSegmentName } from '@kubets/apimachinery/names';
import { baseStrategy } from '../../generic/base-strategy.ts';
import type { Strategy } from '../../strategy.ts';

const objectFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

/**
 * Selectable fields, under the names of the core group and under those of events.k8s.io: both
 * resources are read from one cache, which holds one set of fields for an object.
 */
function eventFields(event: Readonly<Event>): Record<string, string> {
  const reporter = event.reportingComponent ?? '';
  return {
    ...referenceFields(event, 'involvedObject'),
    ...referenceFields(event, 'regarding'),
    reason: event.reason ?? '',
    type: event.type ?? '',
    source: event.source?.component || reporter,
    reportingComponent: reporter,
    reportingController: reporter,
  };
}

function referenceFields(event: Readonly<Event>, prefix: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const field of objectFields) fields[`${prefix}.${field}`] = event.involvedObject?.[field] ?? '';
  return fields;
}

const referenceNames = (prefix: string): string[] => objectFields.map((field) => `${prefix}.${field}`);

function eventStrategy(api: EventApi): Strategy<Event> {
  const core = api === 'core';
  return baseStrategy<Event>({
    validateName: validatePathSegmentName,
    allowCreateOnUpdate: true,
    defaultGarbageCollection: 'unsupported',
    validate: (_context, event) => validateEventCreate(event, api),
    validateUpdate: (_context, event, old) => validateEventUpdate(event, old, api),
    selectableFields: eventFields,
    selectableFieldNames: core
      ? [...referenceNames('involvedObject'), 'reason', 'reportingComponent', 'source', 'type']
      : [...referenceNames('regarding'), 'reason', 'reportingController', 'type'],
  });
}

/** `v1` Events: hardly any rules. */
export const coreEventStrategy: Strategy<Event> = eventStrategy('core');
/** `events.k8s.io/v1` Events: all the rules. Objects come in the core group's shape. */
export const newEventStrategy: Strategy<Event> = eventStrategy('events.k8s.io');
