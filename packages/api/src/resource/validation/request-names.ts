/** The requests of a claim, as other parts refer to them: `request` or `request/subrequest` (`gatherRequestNames`). */
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { DeviceClaim } from '../../generated/types/resource-v1.ts';
import { checkList } from './lists.ts';
import { checkLabel } from './names.ts';

export const maxRequests = 32;

/** Everything that can be referred to. */
export function requestNames(claim: DeviceClaim | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable = [] } of claim?.requests ?? []) {
    names.add(name ?? '');
    for (const alternative of firstAvailable) names.add(`${name}/${alternative.name}`);
  }
  return names;
}

const detail = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export function checkRequestName(
  errors: ErrorList,
  name: string,
  { path, names }: { path: string; names: ReadonlySet<string> },
): void {
  const segments = name.split('/');
  if (segments.length <= 2) for (const segment of segments) checkLabel(errors, segment, path);
  if (segments.length > 2 || !names.has(name)) errors.invalid(path, name, detail);
}

export function checkRequestNames(
  errors: ErrorList,
  list: readonly string[] | undefined,
  { path, names }: { path: string; names: ReadonlySet<string> },
): void {
  checkList(errors, list, {
    path,
    max: maxRequests,
    check: (all, name, at) => checkRequestName(all, name, { path: at, names }),
    key: (name) => name,
  });
}
