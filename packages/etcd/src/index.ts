export * from './storage.ts';
export { DataDirectoryError, type DataDirectoryErrorCode } from './embedded/data-directory.ts';
export { type EmbeddedStoreOptions, openEmbeddedStore } from './embedded/open.ts';
export type { EmbeddedStore } from './embedded/store.ts';
export { restoreSnapshot } from './embedded/snapshot.ts';
