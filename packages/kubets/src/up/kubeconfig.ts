/** Where the administrator's kubeconfig goes. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writePrivateFile, type ClusterPki } from '@kubets/kubeadm';
import { UserError } from '../user-error.ts';

/** Found out before anything is started. Throws a {@link UserError}. */
export function checkKubeconfigTarget(path: string): void {
  const folder = dirname(path);
  const fail = (why: string, cause?: unknown): never => {
    throw new UserError(`--write-kubeconfig: ${why}`, { cause });
  };
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) fail(`${path} is a folder: name a file in it`);
  if (!existsSync(folder)) fail(`the folder ${folder} does not exist: make it or choose another file`);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    fail(`the folder ${folder} may not be written to: choose another file`, error);
  }
}

/** The path of the administrator's kubeconfig, written where the user wants it too. */
export async function writeKubeconfig(pki: ClusterPki, path: string | undefined): Promise<string> {
  if (path === undefined) return pki.kubeconfigs.admin;
  try {
    await writePrivateFile(path, await readFile(pki.kubeconfigs.admin, 'utf8'));
    return path;
  } catch (error) {
    throw new UserError(`--write-kubeconfig: cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
