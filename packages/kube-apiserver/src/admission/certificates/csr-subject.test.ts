import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csrSubject } from './csr-subject.ts';

const wrap = (der: Uint8Array): string =>
  Buffer.from(
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
  ).toString('base64');

it('answers undefined for whatever is no request', () => {
  expect(csrSubject('')).toBeUndefined();
  expect(csrSubject(Buffer.from('nonsense').toString('base64'))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (der) => {
      expect(csrSubject(wrap(der))?.organizations ?? []).toBeInstanceOf(Array);
    }),
  );
});

it('reads names by hand', () => {
  const oid = (last: number) => [0x06, 0x03, 0x55, 0x04, last];
  const attribute = (last: number, text: string) => {
    const pair = [...oid(last), 0x0c, text.length, ...Buffer.from(text)];
    const sequence = [0x30, pair.length, ...pair];
    return [0x31, sequence.length, ...sequence];
  };
  const name = [...attribute(10, 'system:nodes'), ...attribute(3, 'n1')];
  const info = [0x02, 0x01, 0x00, 0x30, name.length, ...name];
  const request = [0x30, info.length, ...info];
  expect(csrSubject(wrap(new Uint8Array([0x30, request.length, ...request])))).toEqual({
    commonName: 'n1',
    organizations: ['system:nodes'],
  });
});
