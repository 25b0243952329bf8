/**
 * The bytes of one entry of the log table (format version 1):
 *
 * | offset | size | what |
 * | --- | --- | --- |
 * | 0 | 1 | 1 put, 2 deletion |
 * | 1 | 6 | create revision (0 for a deletion) |
 * | 7 | 6 | revision of the key's previous write, 0 when none |
 * | 13 | 6 | lease, 0 when none |
 * | 19 | rest | the key, UTF-8 |
 *
 * Numbers are big-endian. Values lie in a table of their own, so that opening reads keys only.
 */
export interface LogRecord {
  readonly key: string;
  readonly deletion: boolean;
  readonly createRevision: number;
  readonly previous: number;
  readonly lease: number;
}

export const logHeaderSize = 19;
/** Revisions are table keys of eight bytes, big-endian, so that table order is revision order. */
export const revisionKeySize = 8;

const high = 0x1_0000_0000;

function writeUint48(target: Buffer, value: number, offset: number): void {
  target.writeUInt16BE(Math.floor(value / high), offset);
  target.writeUInt32BE(value >>> 0, offset + 2);
}

/** A sum with a float in it would be kept as a boxed number, 16 bytes more for each in the index. */
function readUint48(source: Buffer, offset: number): number {
  const upper = source.readUInt16BE(offset);
  const lower = source.readUInt32BE(offset + 2);
  return upper === 0 ? lower : upper * high + lower;
}

/** Writes the record at `offset`; returns the offset behind it. The caller has made room. */
export function writeLogRecord(target: Buffer, offset: number, record: LogRecord): number {
  target[offset] = record.deletion ? 2 : 1;
  writeUint48(target, record.createRevision, offset + 1);
  writeUint48(target, record.previous, offset + 7);
  writeUint48(target, record.lease, offset + 13);
  return offset + logHeaderSize + target.write(record.key, offset + logHeaderSize);
}

/** Throws on bytes that no version 1 store has written. */
export function readLogRecord(source: Buffer): LogRecord {
  const kind = source[0];
  if (source.length <= logHeaderSize || (kind !== 1 && kind !== 2)) throw new Error('damaged log record');
  return {
    key: source.toString('utf8', logHeaderSize),
    deletion: kind === 2,
    createRevision: readUint48(source, 1),
    previous: readUint48(source, 7),
    lease: readUint48(source, 13),
  };
}

export function writeRevisionKey(target: Buffer, revision: number): Buffer {
  target.writeUInt32BE(Math.floor(revision / high), 0);
  target.writeUInt32BE(revision >>> 0, 4);
  return target;
}

export function readRevisionKey(source: Buffer): number {
  const upper = source.readUInt32BE(0);
  const lower = source.readUInt32BE(4);
  return upper === 0 ? lower : upper * high + lower;
}
