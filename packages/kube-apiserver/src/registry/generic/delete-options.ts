/** DeleteOptions as the registry works with them (`meta/v1.DeleteOptions`). */
export interface DeleteOptions {
  gracePeriodSeconds?: number | null | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  orphanDependents?: boolean | null | undefined;
  propagationPolicy?: string | null | undefined;
  dryRun?: readonly string[] | undefined;
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean | null | undefined;
}
