/** Runs the checks of a level and version over a pod (`k8s.io/pod-security-admission/policy/registry.go`). */
import type { PodSpec } from '@kubets/api/types/core-v1';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import { baselineChecks } from './baseline-checks.ts';
import type { Check, CheckPod, Violation } from './check.ts';
import type { Level, LevelVersion, PolicyVersion } from './policy.ts';
import { restrictedChecks } from './restricted-checks.ts';

const memo = new Map<string, readonly CheckPod[]>();

/** All violations; none at the privileged level. */
export function evaluatePod(
  { level, version }: LevelVersion,
  metadata: Readonly<ObjectMeta>,
  spec: Readonly<PodSpec>,
): readonly Violation[] {
  const found: Violation[] = [];
  for (const check of checksFor(level, version)) {
    const violation = check(spec, metadata);
    if (violation !== undefined) found.push(violation);
  }
  return found;
}

/** `reason (detail), …`, for errors and warnings about one object. */
export const violationDetails = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');

/** `reason, …`, for warnings about many. */
export const violationReasons = (violations: readonly Violation[]): string =>
  violations.map(({ reason }) => reason).join(', ');

function checksFor(level: Level, version: PolicyVersion): readonly CheckPod[] {
  if (level === 'privileged') return [];
  const key = `${level}:${version}`;
  let checks = memo.get(key);
  if (checks === undefined) {
    checks = select(level, version === 'latest' ? Number.MAX_SAFE_INTEGER : version);
    // Versions come from labels of namespaces: the set is not to grow with them.
    if (memo.size < 200) memo.set(key, checks);
  }
  return checks;
}

/** The baseline first; at the restricted level a stricter check takes the place of a baseline one. */
function select(level: Level, minor: number): readonly CheckPod[] {
  const at = (check: Check) => ({ id: check.id, form: check.versions.findLast(({ since }) => since <= minor) });
  const restricted = level === 'restricted' ? restrictedChecks.map(at) : [];
  const overridden = new Set(restricted.flatMap(({ form }) => form?.overrides ?? []));
  const baseline = baselineChecks.map(at).filter(({ id }) => !overridden.has(id));
  return [...baseline, ...restricted].flatMap(({ form }) => (form === undefined ? [] : [form.check]));
}
