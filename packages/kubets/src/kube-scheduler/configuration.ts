/** The file of `--config`, and `--scheduler-config` of `kubets up`. */
import { readFileSync } from 'node:fs';
import { featureGateLookup } from '@kubets/api/feature-gates';
import type { SchedulerConfiguration } from '@kubets/kube-scheduler';
import { UserError } from '../user-error.ts';

/** Throws a {@link UserError} that names the flag and says what is wrong with the file, or with a gate. */
export async function readSchedulerConfiguration(
  path: string,
  { flag, gates }: { readonly flag: string; readonly gates: Readonly<Record<string, boolean>> },
): Promise<SchedulerConfiguration> {
  const { defaultConfiguration, loadSchedulerConfiguration } = await import('@kubets/kube-scheduler');
  try {
    const enabled = featureGateLookup(gates);
    return path === ''
      ? defaultConfiguration(enabled)
      : loadSchedulerConfiguration(readFileSync(path, 'utf8'), enabled);
  } catch (error) {
    const where = path === '' ? '--feature-gates' : `${flag}: ${path}`;
    throw new UserError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}
