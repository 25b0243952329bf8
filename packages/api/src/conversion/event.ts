/** core/v1 Event and events.k8s.io/v1 Event: one object under two sets of names (`pkg/apis/events/v1/conversion.go`). */
import { renamed, type JsonObject } from './json-walk.ts';

const fromCore: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};

const toCore = Object.fromEntries(Object.entries(fromCore).map(([core, event]) => [event, core]));

export const eventFromCore = (object: Readonly<JsonObject>): JsonObject => renamed(object, fromCore);

export const eventToCore = (object: Readonly<JsonObject>): JsonObject => renamed(object, toCore);
