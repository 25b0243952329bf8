/** ResourceClaims and their templates (`pkg/registry/resource/{resourceclaim,resourceclaimtemplate}/strategy.go`). */
import {
  validateResourceClaim,
  validateResourceClaimTemplate,
  validateResourceClaimTemplateUpdate,
  validateResourceClaimUpdate,
} from '@kubets/api/resource/validation/resource-claim';
import { deviceId, validateResourceClaimStatus } from '@kubets/api/resource/validation/resource-claim-status';
import type {
  DeviceRequestAllocationResult,
  ResourceClaim,
  ResourceClaimTemplate,
} from '@kubets/api/types/resource-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';
import { refuseAdminRequests, refuseAdminResults } from './admin-access.ts';
import { claimFields, claimStatusFields, dropDisabled } from './drop-disabled.ts';

const specFields = claimFields('spec');
const templateFields = claimFields('spec.spec');

const resultsOf = (claim: Readonly<ResourceClaim>): readonly DeviceRequestAllocationResult[] =>
  claim.status?.allocation?.devices?.results ?? [];

/** What drivers say about devices that are no longer allocated goes with the allocation. */
function dropDeallocated(claim: ResourceClaim, old: Readonly<ResourceClaim>): void {
  const { status } = claim;
  if (status?.devices === undefined) return;
  const idOf = ({ driver, pool, device }: { driver: string; pool: string; device: string }): string =>
    deviceId({ driver, pool, device });
  const gone = new Set(resultsOf(old).map(idOf));
  for (const result of resultsOf(claim)) gone.delete(idOf(result));
  const devices = status.devices.filter((device) => !gone.has(idOf(device)));
  if (devices.length > 0) status.devices = devices;
  else delete status.devices;
}

export const resourceClaimStrategy: Strategy<ResourceClaim> = baseStrategy<ResourceClaim>({
  status: {},
  prepareForCreate: (context, claim) => dropDisabled(context, specFields, claim),
  prepareForUpdate: (context, claim, old) => dropDisabled(context, specFields, claim, old),
  validate: (_context, claim) => [
    ...refuseAdminRequests(claim.spec?.devices, 'spec.devices'),
    ...validateResourceClaim(claim),
  ],
  validateUpdate: (_context, claim, old) => validateResourceClaimUpdate(claim, old),
  subresources: {
    status: statusUpdateStrategy<ResourceClaim>({
      keepMetadata: true,
      resetFields: ['spec'],
      prepareForUpdate: (context, claim, old) => {
        dropDeallocated(claim, old);
        dropDisabled(context, claimStatusFields, claim, old);
      },
      validateUpdate: (_context, claim, old) => [
        ...refuseAdminResults(resultsOf(claim), resultsOf(old)),
        ...validateResourceClaimStatus(claim, old),
      ],
    }),
  },
});

export const resourceClaimTemplateStrategy: Strategy<ResourceClaimTemplate> = baseStrategy<ResourceClaimTemplate>({
  prepareForCreate: (context, template) => dropDisabled(context, templateFields, template),
  prepareForUpdate: (context, template, old) => dropDisabled(context, templateFields, template, old),
  validate: (_context, template) => [
    ...refuseAdminRequests(template.spec?.spec?.devices, 'spec.spec.devices'),
    ...validateResourceClaimTemplate(template),
  ],
  validateUpdate: (_context, template, old) => validateResourceClaimTemplateUpdate(template, old),
});
