/** The hash by which the pods of one template are known (upstream `pkg/controller/controller_utils.go`, `ComputeHash`). */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { PodTemplateSpec } from '@kubets/api/types/core-v1';

/** The label that carries it. */
export const templateHashLabel = 'pod-template-hash';

/** JSON with sorted keys and without nulls, so that equal values have equal texts. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/** FNV-1a with 32 bits. */
function fnv32a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Neither vowels nor figures that look like them: no words come out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `k8s.io/apimachinery/pkg/util/rand.SafeEncodeString`. */
function safeEncode(text: string): string {
  return Array.from(text, (char) => alphabet[char.charCodeAt(0) % alphabet.length]).join('');
}

/**
 * The hash of a template, the same as long as template and collision count are. Upstream hashes a dump of Go's memory, so the
 * text differs from upstream's; ReplicaSets of upstream are found by their template, never by the hash.
 */
export function templateHash(template: Readonly<PodTemplateSpec>, collisionCount?: number): string {
  const text = new TextEncoder().encode(canonicalJson(template));
  if (collisionCount === undefined) return safeEncode(String(fnv32a(text)));
  const bytes = new Uint8Array(text.length + 8);
  bytes.set(text);
  new DataView(bytes.buffer).setUint32(text.length, collisionCount, true);
  return safeEncode(String(fnv32a(bytes)));
}

/** The template without the hash's label. */
export function withoutHash(template: Readonly<PodTemplateSpec>): PodTemplateSpec {
  if (template.metadata?.labels?.[templateHashLabel] === undefined) return template;
  const { [templateHashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Whether two templates make the same pods (`EqualIgnoreHash`). */
export function equalIgnoringHash(a: Readonly<PodTemplateSpec>, b: Readonly<PodTemplateSpec>): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b));
}
