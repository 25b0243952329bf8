export { checkStore } from './check-store.ts';
export { ModelStorage } from './model-storage.ts';
export { RecordingSink } from './recording-sink.ts';
export { type ContractSubject, storageContract } from './storage-contract.ts';
