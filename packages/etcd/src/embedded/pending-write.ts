/** A write that is decided (its revision is assigned) and not yet durable. */
import type { StoredRecord } from '../storage.ts';
import type { KeyEntry } from './key-index.ts';

export interface PendingWrite {
  readonly entry: KeyEntry;
  readonly revision: number;
  /** 0 for a deletion. */
  readonly createRevision: number;
  /** Revision of the write before it on this key, 0 when there is none. */
  readonly previous: number;
  /** Undefined for a deletion. The store owns these bytes from the call on. */
  readonly value: Uint8Array | undefined;
  readonly lease: number;
  readonly attachment: object | undefined;
  resolve(revision: number): void;
  reject(error: Error): void;
}

/** The state a write leaves, or undefined for a deletion. */
export function recordOf(write: PendingWrite): StoredRecord | undefined {
  if (write.value === undefined) return undefined;
  return {
    key: write.entry.key,
    value: write.value,
    createRevision: write.createRevision,
    modRevision: write.revision,
    lease: write.lease,
  };
}
