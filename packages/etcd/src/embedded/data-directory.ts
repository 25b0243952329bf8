/** The data directory: made with tight permissions, of a known format, held by one process. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type DataDirectoryErrorCode = 'in-use' | 'newer-format' | 'foreign' | 'not-writable' | 'damaged';

/** Why a data directory cannot be opened; nothing in it has been changed. Match `code`, not the class. */
export class DataDirectoryError extends Error {
  readonly code: DataDirectoryErrorCode;

  constructor(code: DataDirectoryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DataDirectoryError';
    this.code = code;
  }
}

/** Raised with any change that older programs would misread. */
export const formatVersion = 1;
const formatName = 'kubets-store';

export interface DataDirectory extends Disposable {
  /** The database's file, present. */
  readonly databasePath: string;
  /** The process that held the directory before did not let go of it in order. */
  readonly unclean: boolean;
}

/** Makes the directory if need be, takes its lock and checks its format. Throws {@link DataDirectoryError}. */
export function openDataDirectory(path: string): DataDirectory {
  const directory = writable(path, () => {
    makeDirectory(path);
    return realpathSync(path);
  });
  const lock = takeLock(directory);
  try {
    return prepare(directory, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

function prepare(directory: string, lock: DatabaseSync): DataDirectory {
  const databasePath = join(directory, 'store.mdb');
  checkFormat(directory, databasePath);
  const holder = join(directory, 'lock.pid');
  return writable(directory, () => {
    // LMDB would make its files readable for the group.
    for (const file of [databasePath, `${databasePath}-lock`]) ensureFile(file);
    checkDatabaseFile(databasePath);
    const unclean = readIfPresent(holder) !== undefined;
    writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
    return {
      databasePath,
      unclean,
      [Symbol.dispose]: () => {
        rmSync(holder, { force: true });
        lock.close();
      },
    };
  });
}

/**
 * The lock is the kernel's record lock on a file, taken through SQLite because Node offers no file
 * locks of its own. It ends with the process, however that dies, so it is never stale.
 */
function takeLock(directory: string): DatabaseSync {
  return writable(directory, () => {
    const file = join(directory, 'lock');
    ensureFile(file);
    const lock = new DatabaseSync(file);
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      lock.close();
      if (!isBusy(error)) throw error;
      const pid = readIfPresent(join(directory, 'lock.pid'))?.trim() || 'unknown';
      throw new DataDirectoryError('in-use', `data directory ${directory} is in use by process ${pid}`);
    }
  });
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  return errcode === 5 || errcode === 6;
}

function checkFormat(directory: string, databasePath: string): void {
  const file = join(directory, 'format');
  const text = readIfPresent(file);
  if (text === undefined || text === '') {
    if (readIfPresent(databasePath, 1) !== undefined) {
      throw new DataDirectoryError('foreign', `data directory ${directory} holds a store.mdb without a format file`);
    }
    writable(directory, () => writeDurably(file, `${formatName} ${formatVersion}\n`));
    return;
  }
  const [name, version] = text.trim().split(' ');
  if (name !== formatName || !/^\d+$/.test(version ?? '')) {
    throw new DataDirectoryError('foreign', `data directory ${directory} is not a kubets store (file "format")`);
  }
  if (Number(version) > formatVersion) {
    throw new DataDirectoryError(
      'newer-format',
      `data directory ${directory} has format version ${version}; this version of kubets reads up to ${formatVersion}`,
    );
  }
}

function writeDurably(file: string, text: string): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Node's own recursive mkdir never returns where the file system answers ENOENT for good, as /proc does. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(resolve(path));
  if (parent !== path) makeDirectory(parent);
  mkdirSync(path, { mode: 0o700 });
}

/**
 * Makes the file if it is missing. A present one is not opened: closing it would release the record
 * locks that this process holds on it (fcntl(2)).
 */
function ensureFile(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
}

const lmdbMagic = 0xbeefc0de;
/** Behind the page header of lmdb-js's LMDB. */
const lmdbMagicOffset = 24;

/** LMDB may crash on a file that is none of its own. An empty one is new. */
function checkDatabaseFile(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    const head = Buffer.alloc(lmdbMagicOffset + 4);
    const size = readSync(descriptor, head);
    if (size === 0 || head.readUInt32LE(lmdbMagicOffset) === lmdbMagic) return;
  } finally {
    closeSync(descriptor);
  }
  throw new DataDirectoryError('damaged', `${file} is not a database`);
}

function readIfPresent(file: string, bytes?: number): string | undefined {
  try {
    if (bytes === undefined) return readFileSync(file, 'utf8');
    closeSync(openSync(file, 'r'));
    return '';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writable<T>(directory: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataDirectoryError('not-writable', `data directory ${directory} cannot be written: ${reason}`, {
      cause: error,
    });
  }
}
