/** A reader of DER (X.690), as much of it as certificate requests need. No validation of values. */

export interface DerElement {
  readonly tag: number;
  /** The value, without tag and length. */
  readonly content: Uint8Array;
  /** The whole element: what signatures are made over. */
  readonly bytes: Uint8Array;
}

export const derTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

const truncated = (): Error => new Error('asn1: syntax error: data truncated');

/** Length and where the value begins. Lengths of more than four bytes are refused. */
function readLength(bytes: Uint8Array, at: number): { length: number; start: number } {
  const first = bytes[at];
  if (first === undefined) throw truncated();
  if (first < 0x80) return { length: first, start: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new Error('asn1: structure error: length too large');
  let length = 0;
  for (let i = 1; i <= count; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw truncated();
    length = length * 256 + byte;
  }
  return { length, start: at + 1 + count };
}

/** The elements that stand side by side in the bytes. Throws an Error worded as Go's. */
export function readDer(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0;
    const { length, start } = readLength(bytes, at + 1);
    const end = start + length;
    if (end > bytes.length) throw truncated();
    elements.push({ tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end) });
    at = end;
  }
  return elements;
}

/** The element, when it has the tag. */
export function expectTag(element: DerElement | undefined, tag: number): DerElement {
  if (element === undefined) throw new Error('asn1: syntax error: sequence truncated');
  if (element.tag !== tag) throw new Error(`asn1: structure error: tags don't match (${tag} vs ${element.tag})`);
  return element;
}

/** What is inside an element that has the tag. */
export const derChildren = (element: DerElement | undefined, tag: number): DerElement[] =>
  readDer(expectTag(element, tag).content);

/** `1.2.840.113549.1.1.11`. */
export function derOid(element: DerElement | undefined): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of expectTag(element, derTag.objectIdentifier).content) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}

const utf8 = new TextDecoder();
const utf16 = new TextDecoder('utf-16be');

/** The text of any of the string types that occur in names; BMPString is UTF-16, the others are read as UTF-8. */
export const derText = ({ tag, content }: DerElement): string => (tag === 0x1e ? utf16 : utf8).decode(content);
