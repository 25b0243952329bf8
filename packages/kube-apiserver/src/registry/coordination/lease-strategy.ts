/** Leases (`pkg/registry/coordination/lease/strategy.go`) and lease candidates (`leasecandidate/strategy.go`). */
import { validateLease, validateLeaseCandidate } from '@kubets/api/coordination/validation/lease';
import type { Lease } from '@kubets/api/types/coordination-v1';
import type { LeaseCandidate } from '@kubets/api/types/coordination-v1beta1';
import { isConfigMapKey } from '@kubets/apimachinery/names';
import { baseStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';

/** The fields of coordinated leader election are dropped while the gate is off, unless they are in use. */
function dropDisabledFields(context: StrategyContext, lease: Lease, old?: Readonly<Lease>): void {
  if (lease.spec === undefined || context.featureEnabled('CoordinatedLeaderElection')) return;
  for (const field of ['strategy', 'preferredHolder'] as const) {
    if (old?.spec?.[field] === undefined) delete lease.spec[field];
  }
}

/** PUT to a missing name creates: that is how old clients take a lease. */
export const leaseStrategy: Strategy<Lease> = baseStrategy<Lease>({
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  prepareForCreate: dropDisabledFields,
  prepareForUpdate: dropDisabledFields,
  validate: (_context, lease) => validateLease(lease),
  validateUpdate: (_context, lease) => validateLease(lease),
});

/** Names may be anything a configuration key may be; a trailing dash of a prefix is fine. */
export const leaseCandidateStrategy: Strategy<LeaseCandidate> = baseStrategy<LeaseCandidate>({
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  validateName: (name) => isConfigMapKey(name),
  validate: (_context, candidate) => validateLeaseCandidate(candidate),
  validateUpdate: (_context, candidate, old) => validateLeaseCandidate(candidate, old),
});
