import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogRecord, readRevisionKey, writeLogRecord, writeRevisionKey } from './log-record.ts';

const number = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 48 - 1 }));

describe('log records', () => {
  it('come back as they went in', () => {
    const record = fc.record({
      key: fc.string({ unit: 'grapheme', minLength: 1 }),
      deletion: fc.boolean(),
      createRevision: number,
      previous: number,
      lease: number,
    });
    fc.assert(
      fc.property(record, fc.nat(100), (one, offset) => {
        const target = Buffer.alloc(4096);
        const end = writeLogRecord(target, offset, one);
        expect(readLogRecord(target.subarray(offset, end))).toEqual(one);
      }),
    );
  });

  it('are keyed in the order of their revisions', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [first, second] = [writeRevisionKey(Buffer.alloc(8), a), writeRevisionKey(Buffer.alloc(8), b)];
        expect(readRevisionKey(first)).toBe(a);
        expect(Math.sign(Buffer.compare(first, second))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('are refused when damaged', () => {
    expect(() => readLogRecord(Buffer.alloc(40))).toThrow('damaged');
    expect(() => readLogRecord(Buffer.from([1, 2, 3]))).toThrow('damaged');
  });
});
