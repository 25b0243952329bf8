/** Lists and maps with limits (`pkg/apis/resource/validation/validation.go`, `validateSlice`, `validateSet`, `validateMap`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';

type CheckItem<T> = (errors: ErrorList, item: T, path: string) => void;

export interface ListRules<T> {
  readonly path: string;
  /** No limit when absent. */
  readonly max?: number;
  readonly check: CheckItem<T>;
  /** Keys of the items, when they must differ. */
  readonly key?: (item: T) => string;
}

/** A list that is too long is not looked into. */
export function checkList<T>(errors: ErrorList, list: readonly T[] | null | undefined, rules: ListRules<T>): void {
  if (list === undefined || list === null) return;
  const { path, max = Infinity, check, key } = rules;
  if (list.length > max) {
    errors.tooMany(path, list.length, max);
    return;
  }
  list.forEach((item, i) => check(errors, item, `${path}[${i}]`));
  if (key === undefined) return;
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    const id = key(item);
    if (seen.has(id)) errors.duplicate(`${path}[${i}]`, id);
    seen.add(id);
  }
}

export interface MapRules<T> {
  readonly path: string;
  readonly max?: number;
  /** Longer keys are shortened in the middle where they appear in paths. */
  readonly maxKeyLength: number;
  /** Complaints about a key are about the map as a whole. */
  readonly checkKey: CheckItem<string>;
  readonly check?: CheckItem<T>;
}

const ellipsis = '...';

function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const rest = limit - ellipsis.length;
  return text.slice(0, Math.floor((rest + 1) / 2)) + ellipsis + text.slice(text.length - Math.floor(rest / 2));
}

export function checkMap<T>(errors: ErrorList, map: Readonly<Record<string, T>>, rules: MapRules<T>): void {
  const { path, max = Infinity, maxKeyLength, checkKey, check } = rules;
  const entries = Object.entries(map);
  if (entries.length > max) {
    errors.tooMany(path, entries.length, max);
    return;
  }
  for (const [key, value] of entries) {
    checkKey(errors, key, path);
    check?.(errors, value, `${path}[${shortened(key, maxKeyLength)}]`);
  }
}
