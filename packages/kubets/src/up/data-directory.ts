/** The data directory: made private, checked before anything is written into it. */
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readFileIfPresent, writePrivateFile } from '@kubets/kubeadm/pki/files';
import { UserError } from '../user-error.ts';

/** Grows when an older kubets could no longer read what is in the directory. */
export const dataFormat = 1;

interface VersionFile {
  readonly format: number;
}

/** `$KUBETS_DATA_DIR`, or `~/.kubets`. */
export function defaultDataDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env['KUBETS_DATA_DIR'] ?? join(homedir(), '.kubets');
}

function readVersion(path: string, text: string): VersionFile {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'format' in parsed && typeof parsed.format === 'number') {
      return { format: parsed.format };
    }
  } catch (error) {
    throw new UserError(`${path} is not readable as JSON: restore it or choose another --data-dir`, { cause: error });
  }
  throw new UserError(`${path} names no format: restore it or choose another --data-dir`);
}

/**
 * Makes the directory (0700) if need be and checks that this kubets may use it.
 * Throws a {@link UserError} when it is not writable or of a newer format; nothing is changed then.
 */
export async function openDataDirectory(path: string): Promise<string> {
  const directory = resolve(path);
  const versionPath = join(directory, 'version.json');
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    const text = await readFileIfPresent(versionPath);
    const version = text === undefined ? undefined : readVersion(versionPath, text);
    if (version !== undefined && version.format > dataFormat) {
      throw new UserError(
        `${directory} holds data of a newer kubets (format ${version.format}; this one knows ${dataFormat}): use that kubets or another --data-dir`,
      );
    }
    if (version === undefined) await writePrivateFile(versionPath, `${JSON.stringify({ format: dataFormat })}\n`);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot use the data directory ${directory}: ${(error as Error).message}`, { cause: error });
  }
  return directory;
}
