/** Writing an object's status (upstream: `UpdateStatus` within `retry.RetryOnConflict`). */
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isConflict } from '@kubets/apimachinery/status';
import type { ResourceClient } from '@kubets/client';

/** As client-go's `retry.DefaultRetry`: so many tries in all. */
const conflictTries = 5;

/**
 * PUTs `status` with the object's resourceVersion. On a conflict it is tried again on what the server has, unless that is
 * another object of the same name by now: then the conflict is thrown.
 */
export async function updateStatus<T extends ApiObject>(
  client: Pick<ResourceClient<T>, 'get' | 'updateStatus'>,
  object: Readonly<T>,
  status: NonNullable<T['status']>,
): Promise<Readonly<T>> {
  for (let tries = 1, latest = object; ; tries++) {
    try {
      return await client.updateStatus({ ...latest, status });
    } catch (error) {
      if (!isConflict(error) || tries >= conflictTries) throw error;
      latest = await client.get(object.metadata.name ?? '');
      if (latest.metadata.uid !== object.metadata.uid) throw error;
    }
  }
}
