/**
 * Stored JSON carries no resourceVersion: the store's revision is it. These functions put it in, behind
 * the uid, where Go writes it.
 *
 * Names, namespaces and generateName precede the uid. None of them can fake the mark: a quote inside a
 * JSON string is escaped, so `"uid":"` unescaped is a key.
 */

const uidMark = Buffer.from('"uid":"');
const metadataMark = Buffer.from('"metadata":{');
const quote = 0x22;

/** Where `"resourceVersion":…` belongs, and whether a comma goes before it or after it. */
function splicePoint(json: Buffer): { at: number; commaBefore: boolean } {
  const uid = json.indexOf(uidMark);
  if (uid >= 0) return { at: json.indexOf(quote, uid + uidMark.length) + 1, commaBefore: true };
  const metadata = json.indexOf(metadataMark);
  if (metadata < 0) throw new Error('stored JSON has no metadata');
  return { at: metadata + metadataMark.length, commaBefore: false };
}

/** Smaller ones are kept in the pool: memory of their own has its price too. */
const ownMemoryFrom = 1024;

/**
 * The final bytes of an object live as long as it. In the pool's slabs they would keep alive what was made beside them
 * for the moment, the stored bytes above all, which are of the same size.
 */
function bufferToKeep(size: number): Buffer {
  return size < ownMemoryFrom ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size);
}

/** A new Buffer: the stored JSON with `"resourceVersion":"<revision>"` in it. */
export function spliceResourceVersion(stored: Uint8Array, revision: number): Buffer {
  const json = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const { at, commaBefore } = splicePoint(json);
  const text = commaBefore
    ? `,"resourceVersion":"${revision}"`
    : `"resourceVersion":"${revision}"${commaAfter(json, at)}`;
  const out = bufferToKeep(json.length + text.length);
  json.copy(out, 0, 0, at);
  out.write(text, at, 'latin1');
  json.copy(out, at + text.length, at);
  return out;
}

/** By how much {@link spliceResourceVersion} lengthens JSON that has a uid. */
export function splicedLength(revision: number): number {
  return ',"resourceVersion":""'.length + String(revision).length;
}

function commaAfter(json: Buffer, at: number): string {
  return json[at] === 0x7d ? '' : ',';
}

/** A new Buffer: final JSON with its resourceVersion `from` replaced by `to` (deletion events carry that of the deletion). */
export function replaceResourceVersion(json: Buffer, from: number, to: number): Buffer {
  const old = `"resourceVersion":"${from}"`;
  const at = json.indexOf(old);
  if (at < 0) throw new Error(`JSON has no resourceVersion ${from}`);
  const text = `"resourceVersion":"${to}"`;
  const out = Buffer.allocUnsafe(json.length - old.length + text.length);
  json.copy(out, 0, 0, at);
  out.write(text, at, 'latin1');
  json.copy(out, at + text.length, at + old.length);
  return out;
}
