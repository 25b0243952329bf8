/**
 * Conversion between the versions of a kind that the server serves in more than one shape
 * (upstream: the conversion functions of each group; `runtime.Scheme.ConvertToVersion`).
 */
import { apiVersionOf, type ApiObject, type GroupVersionKind } from '@kubets/apimachinery/meta';
import { kindInfo } from '../scheme.ts';
import { eventFromCore, eventToCore } from './event.ts';
import { hpaToV1, hpaToV2 } from './hpa.ts';
import { listOf, type JsonObject } from './json-walk.ts';

type Conversion = (object: Readonly<JsonObject>) => JsonObject;

const conversions: Readonly<Record<string, Conversion>> = {
  'autoscaling-v1.HorizontalPodAutoscaler>autoscaling-v2.HorizontalPodAutoscaler': hpaToV2,
  'autoscaling-v2.HorizontalPodAutoscaler>autoscaling-v1.HorizontalPodAutoscaler': hpaToV1,
  'core-v1.Event>events-v1.Event': eventFromCore,
  'events-v1.Event>core-v1.Event': eventToCore,
};

const keyOf = (from: string, to: string): string => `${from}>${to}`;

/** Whether the two versions of a kind differ in more than their name. */
export function needsConversion(from: GroupVersionKind, to: GroupVersionKind): boolean {
  return conversionOf(from, to) !== undefined;
}

function conversionOf(from: GroupVersionKind, to: GroupVersionKind): Conversion | undefined {
  return conversions[keyOf(kindInfo(from)?.typeId ?? '', kindInfo(to)?.typeId ?? '')];
}

function convertList(list: Readonly<ApiObject>, from: GroupVersionKind, to: GroupVersionKind): JsonObject {
  const item = (gvk: GroupVersionKind): GroupVersionKind => ({ ...gvk, kind: gvk.kind.slice(0, -'List'.length) });
  const conversion = conversionOf(item(from), item(to));
  if (conversion === undefined) return { ...list };
  const info = kindInfo(item(to));
  const items = listOf(list['items']).map((object) => conversion(object));
  return { ...list, items: info === undefined ? items : items.map((object) => info.decoder.decode(object)) };
}

/**
 * The object in another version, fields in that version's order; the input is not changed and may be shared.
 * Kinds whose versions have one shape change only their apiVersion. Lists convert item by item.
 */
export function convert(object: Readonly<ApiObject>, from: GroupVersionKind, to: GroupVersionKind): ApiObject {
  const names = { kind: to.kind, apiVersion: apiVersionOf(to) };
  if (from.kind.endsWith('List')) return { ...convertList(object, from, to), ...names } as ApiObject;
  const conversion = conversionOf(from, to);
  const info = kindInfo(to);
  if (conversion === undefined || info === undefined) return { ...object, ...names };
  return info.decode({ ...conversion(object), ...names });
}
