/**
 * How many seats a request takes (`apiserver/pkg/util/flowcontrol/request/list_work_estimator.go`):
 * lists by the number of objects they look at, all others one. Upstream also adds seats for the
 * watch events of a write; encoding those once for all watchers, we do not.
 */
import type { ApiRequest } from '../server/types.ts';

const objectsPerSeat = 100;
const maximumSeats = 10;

/** `undefined`: not known. */
export type ObjectCount = (group: string, resource: string) => number | undefined;

function estimatedObjects(request: ApiRequest, stored: number): number {
  const { query } = request;
  const limit = Number(query.get('limit') ?? 0);
  if (limit > 0 && limit < stored) return limit;
  return stored;
}

/** At least 1. `levelSeats`: a list takes no more than 15 % of its level (`maximumSeatsLimit` by nominal seats). */
export function seatsOf(request: ApiRequest, levelSeats: number, count: ObjectCount): number {
  const { info } = request;
  if (info.verb !== 'list') return 1;
  if (info.name !== '') return 1;
  const stored = count(info.group, info.resource);
  if (stored === undefined || stored <= objectsPerSeat) return 1;
  const seats = Math.ceil(estimatedObjects(request, stored) / objectsPerSeat);
  const most = Math.min(maximumSeats, Math.max(1, Math.ceil(levelSeats * 0.15)));
  return Math.max(1, Math.min(seats, most));
}
