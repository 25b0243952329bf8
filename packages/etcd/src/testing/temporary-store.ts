/** Embedded stores in temporary directories, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../embedded/open.ts';
import type { EmbeddedStore } from '../embedded/store.ts';

export interface TemporaryStore extends AsyncDisposable {
  readonly dataDir: string;
  readonly clock: FakeClock;
  store: EmbeddedStore;
  /** Closes the store and opens it again. */
  reopen(): Promise<EmbeddedStore>;
}

/** A fresh store that removes its directory when disposed. */
export async function temporaryStore(options: Partial<EmbeddedStoreOptions> = {}): Promise<TemporaryStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-store-'));
  const clock = new FakeClock();
  const all = { dataDir, clock, compactionIntervalMs: 0, ...options };
  const subject: TemporaryStore = {
    dataDir,
    clock,
    store: await openEmbeddedStore(all),
    reopen: async () => {
      await subject.store[Symbol.asyncDispose]();
      subject.store = await openEmbeddedStore(all);
      return subject.store;
    },
    [Symbol.asyncDispose]: async () => {
      await subject.store[Symbol.asyncDispose]();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return subject;
}
