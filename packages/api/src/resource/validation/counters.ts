/** Counters that devices share (`pkg/apis/resource/validation/validation.go`, `validateCounterSet`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { Counter, CounterSet } from '../../generated/types/resource-v1.ts';
import { checkMap } from './lists.ts';
import { checkLabel } from './names.ts';

const maxCounters = 32;
const maxLabel = 63;

/** Any quantity will do. */
export function checkCounters(
  errors: ErrorList,
  counters: Readonly<Record<string, Counter>> | null | undefined,
  path: string,
): void {
  if (counters === undefined || counters === null || Object.keys(counters).length === 0) errors.required(path);
  else checkMap(errors, counters, { path, max: maxCounters, maxKeyLength: maxLabel, checkKey: checkLabel });
}

export function checkCounterSet(errors: ErrorList, { name, counters }: CounterSet, path: string): void {
  if (!name) errors.required(`${path}.name`);
  else checkLabel(errors, name, `${path}.name`);
  checkCounters(errors, counters, `${path}.counters`);
}
