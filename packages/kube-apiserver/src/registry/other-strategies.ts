/** Strategies of the kinds that neither run work nor belong to the core, by `group/resource`. */
import {
  mutatingPolicyBindingStrategy,
  mutatingPolicyStrategy,
  validatingPolicyBindingStrategy,
  validatingPolicyStrategy,
} from './admissionregistration/policy-strategies.ts';
import { mutatingWebhookStrategy, validatingWebhookStrategy } from './admissionregistration/webhook-strategies.ts';
import { customResourceDefinitionStrategy } from './apiextensions/custom-resource-definition-strategy.ts';
import { apiServiceStrategy } from './apiregistration/api-service-strategy.ts';
import { certificateSigningRequestStrategy } from './certificates/certificate-signing-request-strategy.ts';
import { leaseCandidateStrategy, leaseStrategy } from './coordination/lease-strategy.ts';
import { flowSchemaStrategy, priorityLevelStrategy } from './flowcontrol/flowcontrol-strategies.ts';
import { runtimeClassStrategy } from './node/runtime-class-strategy.ts';
import { deviceClassStrategy, resourceSliceStrategy } from './resource/device-strategies.ts';
import { resourceClaimStrategy, resourceClaimTemplateStrategy } from './resource/resource-claim-strategy.ts';
import { priorityClassStrategy } from './scheduling/priority-class-strategy.ts';
import { storageVersionMigrationStrategy } from './storagemigration/storage-version-migration-strategy.ts';
import type { Strategy } from './strategy.ts';

export const otherStrategies: Readonly<Record<string, Strategy>> = {
  'admissionregistration.k8s.io/mutatingadmissionpolicies': mutatingPolicyStrategy as Strategy,
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings': mutatingPolicyBindingStrategy as Strategy,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': mutatingWebhookStrategy as Strategy,
  'admissionregistration.k8s.io/validatingadmissionpolicies': validatingPolicyStrategy as Strategy,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': validatingPolicyBindingStrategy as Strategy,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': validatingWebhookStrategy as Strategy,
  'apiextensions.k8s.io/customresourcedefinitions': customResourceDefinitionStrategy as Strategy,
  'apiregistration.k8s.io/apiservices': apiServiceStrategy as Strategy,
  'certificates.k8s.io/certificatesigningrequests': certificateSigningRequestStrategy as Strategy,
  'coordination.k8s.io/leasecandidates': leaseCandidateStrategy as Strategy,
  'coordination.k8s.io/leases': leaseStrategy as Strategy,
  'flowcontrol.apiserver.k8s.io/flowschemas': flowSchemaStrategy as Strategy,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': priorityLevelStrategy as Strategy,
  'node.k8s.io/runtimeclasses': runtimeClassStrategy as Strategy,
  'resource.k8s.io/deviceclasses': deviceClassStrategy as Strategy,
  'resource.k8s.io/resourceclaims': resourceClaimStrategy as Strategy,
  'resource.k8s.io/resourceclaimtemplates': resourceClaimTemplateStrategy as Strategy,
  'resource.k8s.io/resourceslices': resourceSliceStrategy as Strategy,
  'scheduling.k8s.io/priorityclasses': priorityClassStrategy as Strategy,
  'storagemigration.k8s.io/storageversionmigrations': storageVersionMigrationStrategy as Strategy,
};
