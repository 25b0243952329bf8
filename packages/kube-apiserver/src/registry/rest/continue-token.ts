/** The `continue` token of paged lists (`apiserver/pkg/storage/continue.go`). */
import { newBadRequest } from '@kubets/apimachinery/status';

const tokenVersion = 'meta.k8s.io/v1';

export interface ContinueToken {
  /** The revision of the list; -1: go on with the newest state. */
  readonly revision: number;
  /** The first key of the next page. */
  readonly start: string;
}

/** `prefix`: the keys of the list, which `start` begins with. */
export function encodeContinueToken(token: ContinueToken, prefix: string): string {
  const start = token.start.slice(prefix.length);
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: token.revision, start })).toString('base64url');
}

function invalidToken(why: string, cause?: unknown): Error {
  return newBadRequest(`invalid continue token: continue key is not valid: ${why}`, cause);
}

interface RawToken {
  readonly v?: unknown;
  readonly rv?: unknown;
  readonly start?: unknown;
}

function parseToken(text: string): RawToken {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw invalidToken('illegal base64 data');
  try {
    const raw: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof raw === 'object' && raw !== null) return raw;
  } catch (error) {
    throw invalidToken(error instanceof Error ? error.message : String(error), error);
  }
  throw invalidToken('not an object');
}

/** Throws 400 for anything that is no token of ours, or points outside the list. */
export function decodeContinueToken(text: string, prefix: string): ContinueToken {
  const { v, rv, start } = parseToken(text);
  if (v !== tokenVersion) {
    throw invalidToken(`server does not recognize this encoded version ${JSON.stringify(v ?? '')}`);
  }
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    throw invalidToken(`incorrect encoded start resourceVersion (version ${tokenVersion})`);
  }
  if (typeof start !== 'string' || start === '') {
    throw invalidToken(`encoded start key empty (version ${tokenVersion})`);
  }
  if (start.startsWith('/') || start.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    throw invalidToken(start);
  }
  return { revision: rv, start: prefix + start };
}
