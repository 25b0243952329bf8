/** Which token secrets nobody needs (`pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go`). Pure. */
import type { Pod, Secret, ServiceAccount, Volume } from '@kubets/api/types/core-v1';
import { parseTime } from '@kubets/apimachinery/time';

const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';

const dayMs = 24 * 60 * 60 * 1000;
const datePattern = /^\d{4}-\d{2}-\d{2}$/;

/** `2026-01-31`, in UTC. */
export const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The start of a date in UTC, in milliseconds; `undefined` for what is no date. */
function parseDate(text: string): number | undefined {
  if (!datePattern.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) || dateOf(ms) !== text ? undefined : ms;
}

/** Whether the use of tokens has been tracked for long enough to say that one was not used. */
export function isTrackedLongEnough(since: string, now: number, periodMs: number): boolean {
  const start = parseDate(since);
  return start !== undefined && now >= start + dayMs + periodMs;
}

export type TokenFate = 'keep' | 'mark-invalid' | 'delete';

export interface TokenSecretFacts {
  readonly secret: Readonly<Secret>;
  /** The account it names, with the uid it names. */
  readonly account: Readonly<ServiceAccount> | undefined;
  readonly mounted: boolean;
}

/** Only tokens that were made for an account by the control plane, long ago, and that nobody has used since, go; in two steps. */
export function fateOf(facts: TokenSecretFacts, now: number, periodMs: number): TokenFate {
  const { metadata } = facts.secret;
  const preserve = now - periodMs;
  if (metadata.deletionTimestamp !== undefined) return 'keep';
  if (parseTime(metadata.creationTimestamp ?? '') >= preserve) return 'keep';
  const lastUsed = metadata.labels?.[lastUsedLabel];
  if (lastUsed !== undefined && (parseDate(lastUsed) === undefined || lastUsed >= dateOf(preserve))) return 'keep';
  // One that its account does not list was made by a user.
  if (facts.account?.secrets?.some(({ name }) => name === metadata.name) !== true || facts.mounted) return 'keep';
  const invalidSince = metadata.labels?.[invalidSinceLabel] ?? '';
  if (parseDate(invalidSince) === undefined) return 'mark-invalid';
  return invalidSince >= dateOf(preserve) ? 'keep' : 'delete';
}

function* volumeSecrets(volume: Readonly<Volume>): Generator<string | undefined> {
  yield volume.secret?.secretName;
  for (const source of volume.projected?.sources ?? []) yield source.secret?.name;
  // Plugins name theirs as references of one shape.
  for (const source of Object.values<unknown>(volume)) {
    if (typeof source !== 'object' || source === null) continue;
    const references = source as Record<string, { name?: string } | string | undefined>;
    for (const field of ['secretRef', 'nodePublishSecretRef']) {
      const reference = references[field];
      if (typeof reference === 'object') yield reference.name;
    }
    if (typeof references['secretName'] === 'string') yield references['secretName'];
  }
}

/** Names of all secrets that a pod uses (`podutil.VisitPodSecretNames`). */
export function secretsOfPod({ spec }: Readonly<Pod>): Set<string> {
  const names = new Set<string>();
  const add = (name: string | undefined): void => {
    if (name !== undefined && name !== '') names.add(name);
  };
  for (const { name } of spec?.imagePullSecrets ?? []) add(name);
  const containers = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  for (const container of containers) {
    for (const { secretRef } of container.envFrom ?? []) add(secretRef?.name);
    for (const { valueFrom } of container.env ?? []) add(valueFrom?.secretKeyRef?.name);
  }
  for (const volume of spec?.volumes ?? []) for (const name of volumeSecrets(volume)) add(name);
  return names;
}
