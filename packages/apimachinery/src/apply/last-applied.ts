/**
 * The bridge between client-side and server-side apply, for the manager `kubectl` only
 * (apimachinery `pkg/util/managedfields/internal/lastappliedmanager.go`, `lastappliedupdater.go`, `lastapplied.go`).
 */
import type { ApiObject } from '../meta.ts';
import { compare } from './compare.ts';
import { difference, type FieldSet } from './field-set.ts';
import { isJsonObject } from './schema-plan.ts';
import { toFieldSet } from './to-field-set.ts';
import type { Typed } from './updater.ts';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Annotations larger than this in total are not stored (`ValidateAnnotationsSize`), bytes. */
const maxAnnotationsSize = 256 * 1024;

/** The last client-side configuration; `''` when there is none. */
export function lastAppliedOf(object: ApiObject): string {
  return object.metadata.annotations?.[lastAppliedAnnotation] ?? '';
}

/**
 * Fields that client-side apply set and that still have the value it gave them: the manager may take them over
 * without a conflict. `undefined` when the annotation is missing, unreadable or of another version.
 */
export function takeoverFields(live: Typed): FieldSet | undefined {
  const config = parseConfiguration(lastAppliedOf(live.value as ApiObject));
  if (config?.['apiVersion'] !== live.apiVersion) return undefined;
  const { added, modified, removed } = compare(config, live.value, live.schema);
  return difference(difference(difference(toFieldSet(config, live.schema), modified), added), removed);
}

function parseConfiguration(text: string): Record<string, unknown> | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // What is not JSON was not written by client-side apply: there is nothing to take over.
    return undefined;
  }
}

/** Keeps the annotation in step with what `kubectl` applies now, if the object has one. Changes `object`. */
export function syncLastApplied(object: ApiObject, applied: ApiObject): void {
  const annotations = object.metadata.annotations;
  if (annotations === undefined || lastAppliedOf(object) === '') return;
  const next: Record<string, string> = { ...annotations, [lastAppliedAnnotation]: configurationText(applied) };
  if (sizeOfAnnotations(next) > maxAnnotationsSize) delete next[lastAppliedAnnotation];
  object.metadata = { ...object.metadata, annotations: next };
}

/** JSON with sorted keys and a newline, as upstream's unstructured codec writes it. */
function configurationText(applied: ApiObject): string {
  const annotations = applied.metadata?.annotations;
  if (annotations === undefined) return `${JSON.stringify(sortedKeys(applied))}\n`;
  const { [lastAppliedAnnotation]: _, ...others } = annotations;
  const bare = { ...applied, metadata: { ...applied.metadata, annotations: others } };
  return `${JSON.stringify(sortedKeys(bare))}\n`;
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (!isJsonObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value).toSorted()) out[key] = sortedKeys(value[key]);
  return out;
}

function sizeOfAnnotations(annotations: Readonly<Record<string, string>>): number {
  let size = 0;
  const encoder = new TextEncoder();
  for (const [key, value] of Object.entries(annotations))
    size += encoder.encode(key).length + encoder.encode(value).length;
  return size;
}
