import { checkStore } from '../testing/check-store.ts';
import { storageContract } from '../testing/storage-contract.ts';
import { temporaryStore } from '../testing/temporary-store.ts';

storageContract('the embedded store', async () => {
  const subject = await temporaryStore();
  return {
    storage: subject.store,
    attachments: true,
    advance: async (ms) => {
      subject.clock.advance(ms);
      await subject.store.parts.writer.drain();
    },
    check: async () => {
      await subject.store[Symbol.asyncDispose]();
      await checkStore(subject.dataDir);
    },
    [Symbol.asyncDispose]: () => subject[Symbol.asyncDispose](),
  };
});
