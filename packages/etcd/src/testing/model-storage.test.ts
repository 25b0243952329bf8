import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { ModelStorage } from './model-storage.ts';
import { storageContract } from './storage-contract.ts';

storageContract('the reference model', async () => {
  const clock = new FakeClock();
  const storage = new ModelStorage(clock);
  return {
    storage,
    attachments: true,
    advance: async (ms) => clock.advance(ms),
    check: async () => {},
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
});
