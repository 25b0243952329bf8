/** PEM blocks (RFC 7468), found as Go's `pem.Decode` finds them. */

export interface PemBlock {
  /** `CERTIFICATE REQUEST`. */
  readonly type: string;
  /** Whether there are headers in front of the data. */
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array;
}

/** The bytes of a base64 text; `undefined` when it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    // atob has one error, which says that the text is no base64: that is what undefined says.
    return undefined;
  }
}

const block = /-----BEGIN ([^\r\n]*?)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----/g;
const headers = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)+\r?\n?/;

/** All well-formed blocks; what stands between them, and blocks that are broken, is skipped. */
export function readPem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, type = '', body = ''] of text.matchAll(block)) {
    const head = headers.exec(body)?.[0] ?? '';
    const bytes = decodeBase64(body.slice(head.length).replaceAll(/\s/g, ''));
    if (bytes !== undefined) blocks.push({ type, hasHeaders: head !== '', bytes });
  }
  return blocks;
}
