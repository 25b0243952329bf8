import { type StorageError, type StorageErrorCode, storageErrorCode } from '../../storage.ts';
import type { ContractSubject } from '../storage-contract.ts';

/** Runs a test with a fresh store and checks the store afterwards. */
export type Run = (test: (subject: ContractSubject) => Promise<void>) => Promise<void>;

export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const text = (value: Uint8Array | undefined): string =>
  value === undefined ? '' : Buffer.from(value).toString();

/** The storage error a promise rejects with. */
export async function refusal(promise: Promise<unknown> | (() => unknown)): Promise<StorageError> {
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    if (storageErrorCode(error) !== undefined) return error as StorageError;
    throw error;
  }
  throw new Error('was not refused');
}

/** The code of the storage error a promise rejects with. */
export async function refusalCode(promise: Promise<unknown> | (() => unknown)): Promise<StorageErrorCode> {
  return (await refusal(promise)).code;
}
