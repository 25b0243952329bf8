/** How the texts of flags are read. Every reader throws a {@link UserError} that names the flag. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseDurationMs } from '@kubets/apimachinery/duration';
import { UserError } from '../user-error.ts';

/** How a flag's text is read. */
export type Reader<T> = (text: string, flag: string) => T;

const fail = (flag: string, text: string, what: string): never => {
  throw new UserError(`--${flag}: ${JSON.stringify(text)} is ${what}`);
};

export const text: Reader<string> = (value) => value;
export const list: Reader<string[]> = (value) => value.split(',').filter((part) => part !== '');
export const bool: Reader<boolean> = (value, flag) => {
  if (value === 'true' || value === 'false') return value === 'true';
  return fail(flag, value, 'neither true nor false');
};
export const integer: Reader<number> = (value, flag) =>
  /^\d+$/.test(value) ? Number(value) : fail(flag, value, 'no whole number');
export const port: Reader<number> = (value, flag) => {
  const number = integer(value, flag);
  return number >= 1 && number <= 65_535 ? number : fail(flag, value, 'no port');
};
/** 0 stands for none. */
export const portOrNone: Reader<number> = (value, flag) => (value === '0' ? 0 : port(value, flag));
/** Not negative, perhaps with a fraction. */
export const float: Reader<number> = (value, flag) =>
  /^\d+(\.\d+)?$/.test(value) ? Number(value) : fail(flag, value, 'no number');
export const ip: Reader<string> = (value, flag) => (isIP(value) === 0 ? fail(flag, value, 'no IP address') : value);
export const duration: Reader<number> = (value, flag) => {
  try {
    return parseDurationMs(value);
  } catch {
    // The text itself says enough: `1h30m` is the form.
    return fail(flag, value, 'no duration such as 1h30m');
  }
};
export const file: Reader<string> = (path, flag) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`--${flag}: ${(error as Error).message}`, { cause: error });
  }
};
export const portRange: Reader<{ first: number; last: number }> = (value, flag) => {
  const [, first = '', last = ''] = /^(\d+)-(\d+)$/.exec(value) ?? fail(flag, value, 'no range such as 30000-32767');
  const range = { first: port(first, flag), last: port(last, flag) };
  return range.first <= range.last ? range : fail(flag, value, 'an empty range');
};
const pemBlock = /-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g;

/** A file that holds what its name says; found out here, where the flag is known. */
const pemFile =
  (what: string, check: (pem: string) => unknown): Reader<string> =>
  (path, flag) => {
    const content = file(path, flag);
    try {
      const blocks = content.match(pemBlock) ?? [];
      for (const block of blocks) check(block);
      if (blocks.length > 0) return content;
    } catch (error) {
      throw new UserError(`--${flag}: ${path} holds no ${what}: ${(error as Error).message}`, { cause: error });
    }
    throw new UserError(`--${flag}: ${path} holds no ${what} in PEM`);
  };
export const certificates = pemFile('certificate', (pem) => new X509Certificate(pem));
/** OpenSSL writes parameters in front of elliptic keys. */
export const privateKey = pemFile('private key', (pem) => pem.includes('PARAMETERS') || createPrivateKey(pem));
export const publicKeys = pemFile('key', (pem) => pem.includes('PARAMETERS') || createPublicKey(pem));

export const gates: Reader<Record<string, boolean>> = (value, flag) =>
  Object.fromEntries(
    list(value, flag).map((pair) => {
      const [name = '', state = ''] = pair.split('=');
      return [name, bool(state, flag)];
    }),
  );
