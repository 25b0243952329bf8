/** What all parts of one pod spec's validation share. */
import type { Volume } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import type { PodValidationOptions } from './pod-options.ts';

export interface PodScope {
  readonly errors: ErrorList;
  readonly options: PodValidationOptions;
  /** The pod's valid volumes, by name. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Names of `spec.resourceClaims`. */
  readonly claimNames: ReadonlySet<string>;
  /** `spec.terminationGracePeriodSeconds`; absent when unset, which is an error of its own. */
  readonly gracePeriod: number | undefined;
  /** `spec.os.name`; absent without `spec.os`. */
  readonly os: string | undefined;
  readonly restartPolicy: string;
  readonly hostUsers: boolean;
}
