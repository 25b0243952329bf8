/**
 * The subject of a certificate request (PKCS#10, RFC 2986), read without a certificate library: admission needs two
 * attributes, and the library would be loaded at every start.
 */

export interface CsrSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

const commonNameOid = '550403';
const organizationOid = '55040a';

const sequence = 0x30;
const set = 0x31;
const objectIdentifier = 0x06;
const integer = 0x02;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Where the next element starts. */
  readonly end: number;
}

/** Throws a RangeError for anything that is not DER. */
function readElement(bytes: Buffer, at: number): Element {
  const tag = bytes.readUInt8(at);
  const first = bytes.readUInt8(at + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || first === 0x80) throw new RangeError('unsupported length');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  if (start + length > bytes.length) throw new RangeError('truncated');
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}

function expectElement(bytes: Buffer, at: number, tag: number): Element {
  const element = readElement(bytes, at);
  if (element.tag !== tag) throw new RangeError(`expected tag ${tag}, found ${element.tag}`);
  return element;
}

function* children(bytes: Buffer): Generator<Element> {
  for (let at = 0; at < bytes.length;) {
    const element = readElement(bytes, at);
    yield element;
    at = element.end;
  }
}

/** BMPString is UTF-16, all others that occur in names are UTF-8 or a part of it. */
function textOf({ tag, content }: Element): string {
  return tag === 0x1e ? Buffer.from(content).swap16().toString('utf16le') : content.toString('utf8');
}

function subjectOf(der: Buffer): CsrSubject {
  const request = expectElement(der, 0, sequence);
  const info = expectElement(request.content, 0, sequence);
  const version = expectElement(info.content, 0, integer);
  const name = expectElement(info.content, version.end, sequence);
  const organizations: string[] = [];
  let commonName = '';
  for (const relative of children(name.content)) {
    if (relative.tag !== set) throw new RangeError('a name is made of sets');
    for (const pair of children(relative.content)) {
      const oid = expectElement(pair.content, 0, objectIdentifier);
      const value = textOf(readElement(pair.content, oid.end));
      const id = oid.content.toString('hex');
      if (id === commonNameOid) commonName = value;
      if (id === organizationOid) organizations.push(value);
    }
  }
  return { commonName, organizations };
}

const pem = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/;

/** Of a request in base64 of PEM, as the API carries it; `undefined` when it cannot be read. */
export function csrSubject(request: string): CsrSubject | undefined {
  const body = pem.exec(Buffer.from(request, 'base64').toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  try {
    return subjectOf(Buffer.from(body, 'base64'));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
