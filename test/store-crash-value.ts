/** Values that tell by themselves whether they are whole. */
import { createHash } from 'node:crypto';

const digestSize = 32;

export function makeValue(key: string, serial: string, size: number): Buffer {
  const body = `${key} ${serial} ${serial.slice(-1).repeat(size)}`;
  return Buffer.from(body + digestOf(body));
}

/** Throws when the value is torn or belongs to another key. */
export function verifyValue(key: string, value: Uint8Array): void {
  const text = Buffer.from(value).toString();
  const body = text.slice(0, -digestSize);
  if (digestOf(body) !== text.slice(-digestSize)) throw new Error(`the value of ${key} is torn`);
  if (!body.startsWith(`${key} `)) throw new Error(`${key} has the value of ${body.slice(0, 60)}`);
}

function digestOf(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
