/** Versions of the reviews that a webhook understands (`validateAdmissionReviewVersions`, `validateConversionReviewVersions`). */
import { isDNS1035Label } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';

export interface ReviewVersions {
  readonly path: string;
  /** At least one version must be known to the server: not asked of objects that were stored without. */
  readonly requireKnown: boolean;
  /** What is said when there is none. */
  readonly none: string;
}

/** What the server speaks, in upstream's order. */
export const knownReviewVersions: readonly string[] = ['v1', 'v1beta1'];

/** Whether the server can speak to the webhook; having no versions at all is another error. */
export function hasKnownReviewVersion(versions: readonly string[]): boolean {
  return versions.length === 0 || versions.some((version) => knownReviewVersions.includes(version));
}

export function checkReviewVersions(
  errors: ErrorList,
  versions: readonly string[],
  { path, requireKnown, none }: ReviewVersions,
): void {
  if (versions.length === 0) errors.required(path, none);
  const seen = new Set<string>();
  for (const [i, version] of versions.entries()) {
    if (seen.has(version)) errors.invalid(`${path}[${i}]`, version, 'duplicate version');
    else errors.eachInvalid(`${path}[${i}]`, version, isDNS1035Label(version));
    seen.add(version);
  }
  if (requireKnown && !hasKnownReviewVersion(versions)) {
    errors.invalid(path, versions, `must include at least one of ${knownReviewVersions.join(', ')}`);
  }
}
