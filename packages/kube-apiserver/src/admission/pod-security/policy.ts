/** Which level applies in a namespace (`k8s.io/pod-security-admission/api/{constants,helpers}.go`). */
import { invalid, Path, type FieldError } from '@kubets/apimachinery/field';

export type Level = 'privileged' | 'baseline' | 'restricted';

/** A minor version of Kubernetes, or the newest. */
export type PolicyVersion = number | 'latest';

export interface LevelVersion {
  readonly level: Level;
  readonly version: PolicyVersion;
}

export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

export type Mode = keyof Policy;

const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const prefix = 'pod-security.kubernetes.io/';

/** What holds where labels say nothing. */
export const privilegedPolicy: Policy = {
  enforce: { level: 'privileged', version: 'latest' },
  audit: { level: 'privileged', version: 'latest' },
  warn: { level: 'privileged', version: 'latest' },
};

/** `restricted:latest`, `baseline:v1.25`. */
export function levelVersionText({ level, version }: LevelVersion): string {
  return `${level}:${version === 'latest' ? version : `v1.${version}`}`;
}

export const sameLevelVersion = (a: LevelVersion, b: LevelVersion): boolean =>
  a.level === b.level && a.version === b.version;

/** Negative when `a` is laxer than `b`. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

/** `undefined` when it is neither `latest` nor `v1.<minor>`. */
export function parseVersion(text: string): PolicyVersion | undefined {
  if (text === 'latest') return text;
  const minor = /^v1\.(0|[1-9][0-9]{0,5})$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

export interface PolicyResult {
  readonly policy: Policy;
  readonly errors: readonly FieldError[];
}

/**
 * The policy that a namespace's labels ask for. With faulty labels enforcement is as strict as it gets, and auditing
 * and warning are off. Without a warn label the enforced level is warned about too.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy = privilegedPolicy,
): PolicyResult {
  if (labels === undefined) return { policy: defaults, errors: [] };
  const errors: FieldError[] = [];
  const read = (mode: Mode, onError: Level): LevelVersion =>
    readMode(labels, { mode, onError, errors, fallback: defaults[mode] });
  const enforce = read('enforce', 'restricted');
  const audit = read('audit', 'privileged');
  let warn = read('warn', 'privileged');
  const enforced = labels[`${prefix}enforce`] !== undefined;
  if (enforced && labels[`${prefix}warn`] === undefined && compareLevels(enforce.level, warn.level) > 0) {
    const version = labels[`${prefix}warn-version`] === undefined ? enforce.version : warn.version;
    warn = { level: enforce.level, version };
  }
  return { policy: { enforce, audit, warn }, errors };
}

interface Reading {
  readonly mode: Mode;
  readonly onError: Level;
  readonly errors: FieldError[];
  readonly fallback: LevelVersion;
}

function readMode(
  labels: Readonly<Record<string, string>>,
  { mode, onError, errors, fallback }: Reading,
): LevelVersion {
  let { level, version } = fallback;
  const path = Path.of('metadata', 'labels');
  const givenLevel = labels[`${prefix}${mode}`];
  if (givenLevel !== undefined) {
    const known = levels.find((candidate) => candidate === givenLevel);
    if (known === undefined) {
      errors.push(invalid(path.key(`${prefix}${mode}`), givenLevel, `must be one of ${levels.join(', ')}`));
    }
    level = known ?? onError;
  }
  const givenVersion = labels[`${prefix}${mode}-version`];
  if (givenVersion !== undefined) {
    const known = parseVersion(givenVersion);
    if (known === undefined) {
      errors.push(invalid(path.key(`${prefix}${mode}-version`), givenVersion, 'must be "latest" or "v1.x"'));
    }
    version = known ?? 'latest';
  }
  return { level, version };
}
