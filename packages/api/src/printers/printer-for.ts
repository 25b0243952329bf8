/** The printer of every kind (`pkg/printers/internalversion/printers.go`, `AddHandlers`). */
import { tableColumns, type TableColumn } from '../facts.ts';
import type { TableColumnDefinition, TableRowCondition } from '../generated/types/meta-v1.ts';
import * as access from './access.ts';
import * as apps from './apps.ts';
import * as autoscaling from './autoscaling.ts';
import * as cluster from './cluster.ts';
import * as core from './core.ts';
import { eventCells } from './event.ts';
import * as networking from './networking.ts';
import { podCells, podRowConditions } from './pod.ts';
import type { CellsOf, Printer, Row } from './printer.ts';
import * as storage from './storage.ts';

type Cells = CellsOf<never>;

/** By group, then kind. A kind that has columns in the facts and no function here fails the tests. */
const cellsOf: Readonly<Record<string, Readonly<Record<string, Cells>>>> = {
  '': {
    ComponentStatus: core.componentStatusCells,
    ConfigMap: core.configMapCells,
    Endpoints: core.endpointsCells,
    Event: eventCells,
    Namespace: core.namespaceCells,
    Node: core.nodeCells,
    PersistentVolume: core.persistentVolumeCells,
    PersistentVolumeClaim: core.persistentVolumeClaimCells,
    Pod: podCells,
    PodTemplate: core.podTemplateCells,
    ReplicationController: core.replicationControllerCells,
    ResourceQuota: core.resourceQuotaCells,
    Secret: core.secretCells,
    Service: core.serviceCells,
    ServiceAccount: core.serviceAccountCells,
  },
  'admissionregistration.k8s.io': {
    MutatingAdmissionPolicy: cluster.mutatingPolicyCells,
    MutatingAdmissionPolicyBinding: cluster.policyBindingCells,
    MutatingWebhookConfiguration: cluster.webhookCells,
    ValidatingAdmissionPolicy: cluster.validatingPolicyCells,
    ValidatingAdmissionPolicyBinding: cluster.policyBindingCells,
    ValidatingWebhookConfiguration: cluster.webhookCells,
  },
  'apiregistration.k8s.io': { APIService: cluster.apiServiceCells },
  apps: {
    ControllerRevision: apps.controllerRevisionCells,
    DaemonSet: apps.daemonSetCells,
    Deployment: apps.deploymentCells,
    ReplicaSet: apps.replicaSetCells,
    StatefulSet: apps.statefulSetCells,
  },
  autoscaling: {
    HorizontalPodAutoscaler: autoscaling.horizontalPodAutoscalerCells,
    Scale: autoscaling.scaleCells,
  },
  batch: { CronJob: apps.cronJobCells, Job: apps.jobCells },
  'certificates.k8s.io': { CertificateSigningRequest: access.certificateSigningRequestCells },
  'coordination.k8s.io': { Lease: cluster.leaseCells },
  'discovery.k8s.io': { EndpointSlice: networking.endpointSliceCells },
  'events.k8s.io': { Event: eventCells },
  'flowcontrol.apiserver.k8s.io': {
    FlowSchema: cluster.flowSchemaCells,
    PriorityLevelConfiguration: cluster.priorityLevelCells,
  },
  'networking.k8s.io': {
    IPAddress: networking.ipAddressCells,
    Ingress: networking.ingressCells,
    IngressClass: networking.ingressClassCells,
    NetworkPolicy: networking.networkPolicyCells,
    ServiceCIDR: networking.serviceCIDRCells,
  },
  'node.k8s.io': { RuntimeClass: cluster.runtimeClassCells },
  policy: { PodDisruptionBudget: apps.podDisruptionBudgetCells },
  'rbac.authorization.k8s.io': {
    ClusterRoleBinding: access.roleBindingCells,
    RoleBinding: access.roleBindingCells,
  },
  'resource.k8s.io': {
    DeviceClass: cluster.ageCells,
    ResourceClaim: cluster.resourceClaimCells,
    ResourceClaimTemplate: cluster.ageCells,
    ResourceSlice: cluster.resourceSliceCells,
  },
  'scheduling.k8s.io': { PriorityClass: cluster.priorityClassCells },
  'storage.k8s.io': {
    CSIDriver: storage.csiDriverCells,
    CSINode: storage.csiNodeCells,
    StorageClass: storage.storageClassCells,
    VolumeAttachment: storage.volumeAttachmentCells,
    VolumeAttributesClass: storage.volumeAttributesClassCells,
  },
};

/** The facts carry no descriptions; kubectl shows none. */
function definition({ name, type, format, priority }: TableColumn): TableColumnDefinition {
  return { name, type, format, description: '', priority };
}

type ConditionsOf = (object: never) => readonly TableRowCondition[] | undefined;

class KindPrinter implements Printer {
  readonly columns: readonly TableColumnDefinition[];
  readonly #cells: Cells;
  readonly #conditions: ConditionsOf | undefined;

  constructor(columns: readonly TableColumnDefinition[], cells: Cells, conditions?: ConditionsOf) {
    this.columns = columns;
    this.#cells = cells;
    this.#conditions = conditions;
  }

  rows(object: Readonly<Record<string, unknown>>, now: number): Row[] {
    const cells = this.#cells(object as never, now);
    const conditions = this.#conditions?.(object as never);
    return [conditions === undefined ? { cells } : { cells, conditions }];
  }

  cells(object: Readonly<Record<string, unknown>>, now: number): readonly unknown[] {
    return this.#cells(object as never, now);
  }
}

function build(group: string, kind: string): Printer {
  const { tables, default: fallback } = tableColumns();
  const cells = cellsOf[group]?.[kind];
  const fact = tables.find((table) => table.group === group && table.kind === kind);
  if (cells === undefined || fact === undefined || fact.columns === 'default') {
    return new KindPrinter(fallback.map(definition), cluster.createdCells);
  }
  const conditions = group === '' && kind === 'Pod' ? podRowConditions : undefined;
  return new KindPrinter(fact.columns.map(definition), cells, conditions);
}

const printers = new Map<string, Printer>();
const maxPrinters = 1024;

/**
 * The printer of a kind; kinds without columns of their own show Name and Created At.
 * Made once per kind and kept.
 */
export function printerFor(group: string, kind: string): Printer {
  const key = `${group}/${kind}`;
  let printer = printers.get(key);
  if (printer === undefined) {
    printer = build(group, kind);
    // Kinds are few; the bound only guards against names from outside.
    if (printers.size < maxPrinters) printers.set(key, printer);
  }
  return printer;
}
