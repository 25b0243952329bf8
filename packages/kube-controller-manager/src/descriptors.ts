/** All controllers there are, in upstream's order of registration (`cmd/kube-controller-manager/app/controllermanager.go`, `NewControllerDescriptors`). */
import type { ControllerDescriptor } from './controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { jobController } from './job/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { replicationControllerController } from './replication-controller/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';
import { garbageCollectorController } from './garbage-collector/controller.ts';
import { cronJobController } from './cronjob/controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts';
import { ttlController } from './ttl/controller.ts';
import { podGarbageCollectorController } from './pod-garbage-collector/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { resourceQuotaController } from './resource-quota/controller.ts';
import { nodeLifecycleController } from './node-lifecycle/controller.ts';
import { taintEvictionController } from './taint-eviction/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { serviceAccountController } from './service-account/controller.ts';
import { rootCaCertificatePublisherController } from './root-ca-certificate-publisher/controller.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/controller.ts';
import { serviceAccountTokenController } from './service-account-token/controller.ts';
import { legacyServiceAccountTokenCleanerController } from './legacy-service-account-token-cleaner/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { nodeIpamController } from './node-ipam/controller.ts';
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler/controller.ts';
import { persistentVolumeBinderController } from './persistent-volume/controller.ts';
import { serviceCidrController } from './service-cidr/controller.ts';
import { certificateSigningController } from './certificates/signing-controller.ts';
import { certificateApprovingController } from './certificates/approving-controller.ts';
import { certificateCleanerController } from './certificates/cleaner-controller.ts';
import { bootstrapSignerController } from './bootstrap/signer-controller.ts';
import { tokenCleanerController } from './bootstrap/token-cleaner-controller.ts';
import { persistentVolumeProtectionController } from './persistent-volume-protection/controller.ts';
import { persistentVolumeClaimProtectionController } from './persistent-volume-claim-protection/controller.ts';
import { volumeAttributesClassProtectionController } from './volume-attributes-class-protection/controller.ts';
import { ephemeralVolumeController } from './ephemeral-volume/controller.ts';
import { validatingAdmissionPolicyStatusController } from './validating-admission-policy-status/controller.ts';
import { persistentVolumeExpanderController } from './expand/controller.ts';
import { attachDetachController } from './attach-detach/controller.ts';
import { resourceClaimController } from './resource-claim/controller.ts';
import { deviceTaintEvictionController } from './device-taint-eviction/controller.ts';
import { storageVersionMigratorController } from './storage-version-migrator/controller.ts';

export const controllerDescriptors: readonly ControllerDescriptor[] = [
  namespaceController,
  jobController,
  replicaSetController,
  replicationControllerController,
  endpointSliceController,
  statefulSetController,
  garbageCollectorController,
  cronJobController,
  ttlAfterFinishedController,
  ttlController,
  podGarbageCollectorController,
  deploymentController,
  resourceQuotaController,
  nodeLifecycleController,
  taintEvictionController,
  daemonSetController,
  serviceAccountController,
  rootCaCertificatePublisherController,
  clusterRoleAggregationController,
  serviceAccountTokenController,
  legacyServiceAccountTokenCleanerController,
  endpointsController,
  endpointSliceMirroringController,
  disruptionController,
  nodeIpamController,
  horizontalPodAutoscalerController,
  persistentVolumeBinderController,
  serviceCidrController,
  certificateSigningController,
  certificateApprovingController,
  certificateCleanerController,
  bootstrapSignerController,
  tokenCleanerController,
  persistentVolumeProtectionController,
  persistentVolumeClaimProtectionController,
  volumeAttributesClassProtectionController,
  ephemeralVolumeController,
  validatingAdmissionPolicyStatusController,
  persistentVolumeExpanderController,
  attachDetachController,
  resourceClaimController,
  deviceTaintEvictionController,
  storageVersionMigratorController,
];
