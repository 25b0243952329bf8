/**
 * What every implementation of the storage port must do, as tests. Each test has a store of its own
 * and ends with the implementation's own check.
 */
import { describe } from 'vitest';
import type { Storage } from '../storage.ts';
import { compactionContract } from './contract/compaction.ts';
import { leaseContract } from './contract/leases.ts';
import { rangeContract } from './contract/ranges.ts';
import { watchContract } from './contract/watches.ts';
import { writeContract } from './contract/writes.ts';

/** A store under test, with the means that the port itself does not have. */
export interface ContractSubject extends AsyncDisposable {
  readonly storage: Storage;
  /** Lets so much time pass for leases, and what falls due be done. */
  advance(ms: number): Promise<void>;
  /** Whether attachments come back in watch events (stores in the same process). */
  readonly attachments: boolean;
  /** Rejects when the store is inconsistent. */
  check(): Promise<void>;
}

/** Declares the suite. `openFresh` gives an empty store at revision 0 (or whatever an empty store has). */
export function storageContract(name: string, openFresh: () => Promise<ContractSubject>): void {
  describe(`${name}: storage contract`, () => {
    const run = async (test: (subject: ContractSubject) => Promise<void>): Promise<void> => {
      await using subject = await openFresh();
      await test(subject);
      await subject.check();
    };
    writeContract(run);
    rangeContract(run);
    watchContract(run);
    compactionContract(run);
    leaseContract(run);
  });
}
