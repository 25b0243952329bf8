/** Rows of the core group but Pods (`pkg/printers/internalversion/printers.go`). */
import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../generated/types/core-v1.ts';
import {
  ageOf,
  conditionOf,
  containerCells,
  firstFew,
  formatLabels,
  isDeleted,
  loadBalancerAddresses,
  nameOf,
  none,
  unknown,
  unset,
} from './format.ts';

/** Healthy or not, message, error. */
export function componentStatusCells(object: ComponentStatus): unknown[] {
  const healthy = conditionOf(object.conditions, 'Healthy');
  const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
  return [nameOf(object), status, healthy?.message ?? '', healthy?.error ?? ''];
}

const sizeOf = (map: object | undefined): number => Object.keys(map ?? {}).length;

/** How many keys, binary ones too. */
export function configMapCells(object: ConfigMap, now: number): unknown[] {
  return [nameOf(object), sizeOf(object.data) + sizeOf(object.binaryData), ageOf(object, now)];
}

/** Type, and how many keys. */
export function secretCells(object: Secret, now: number): unknown[] {
  return [nameOf(object), object.type ?? '', sizeOf(object.data), ageOf(object, now)];
}

/** Age. */
export function serviceAccountCells(object: ServiceAccount, now: number): unknown[] {
  return [nameOf(object), ageOf(object, now)];
}

/** Phase. */
export function namespaceCells(object: Namespace, now: number): unknown[] {
  return [nameOf(object), object.status?.phase ?? '', ageOf(object, now)];
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** `formatEndpoints`: addresses alone where a subset has no ports. */
export function endpointsCells(object: Endpoints, now: number): unknown[] {
  const all: string[] = [];
  for (const subset of object.subsets ?? []) {
    const addresses = (subset.addresses ?? []).map((a) => a.ip);
    const ports = subset.ports ?? [];
    if (ports.length === 0) all.push(...addresses);
    for (const port of ports) all.push(...addresses.map((ip) => hostPort(ip, port.port)));
  }
  const text = (object.subsets ?? []).length === 0 ? none : firstFew(all, { max: 3 });
  return [nameOf(object), text, ageOf(object, now)];
}

function externalIP(service: Service): string {
  const { type, externalIPs = [], externalName = '' } = service.spec ?? {};
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.length > 0 ? externalIPs.join(',') : none;
    case 'LoadBalancer': {
      const addresses = loadBalancerAddresses(service.status?.loadBalancer?.ingress);
      return [...(addresses === '' ? [] : [addresses]), ...externalIPs].join(',') || '<pending>';
    }
    case 'ExternalName':
      return externalName;
    default:
      return unknown;
  }
}

function servicePorts(service: Service): string {
  const ports = (service.spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return ports.join(',') || none;
}

/** Type, addresses, ports, selector. */
export function serviceCells(object: Service, now: number): unknown[] {
  return [
    nameOf(object),
    object.spec?.type ?? '',
    object.spec?.clusterIPs?.[0] ?? none,
    externalIP(object),
    servicePorts(object),
    ageOf(object, now),
    formatLabels(object.spec?.selector),
  ];
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    const role = key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === 'kubernetes.io/role' ? value : '';
    if (role !== '') roles.add(role);
  }
  return [...roles].toSorted().join(',') || none;
}

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.findLast((c) => c.type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable ? `${status},SchedulingDisabled` : status;
}

/** Status, roles, version, addresses, system. */
export function nodeCells(object: Node, now: number): unknown[] {
  const info = object.status?.nodeInfo;
  const address = (type: string): string => object.status?.addresses?.find((a) => a.type === type)?.address ?? none;
  return [
    nameOf(object),
    nodeStatus(object),
    nodeRoles(object),
    ageOf(object, now),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info?.osImage || unknown,
    info?.kernelVersion || unknown,
    info?.containerRuntimeVersion || unknown,
  ];
}

const modeNames = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
] as const;

/** `RWO,ROX`: each mode once, in this order. */
function accessModes(modes: readonly string[] | undefined): string {
  return modeNames
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The old annotation wins over the field. */
function storageClass(object: PersistentVolume | PersistentVolumeClaim): string {
  const annotation = object.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return annotation ?? object.spec?.storageClassName ?? '';
}

/** Capacity, modes, policy, status, claim, class. */
export function persistentVolumeCells(object: PersistentVolume, now: number): unknown[] {
  const { spec, status } = object;
  const claim = spec?.claimRef;
  return [
    nameOf(object),
    spec?.capacity?.['storage'] ?? '0',
    accessModes(spec?.accessModes),
    spec?.persistentVolumeReclaimPolicy ?? '',
    isDeleted(object) ? 'Terminating' : (status?.phase ?? ''),
    claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
    storageClass(object),
    spec?.volumeAttributesClassName ?? unset,
    status?.reason ?? '',
    ageOf(object, now),
    spec?.volumeMode ?? unset,
  ];
}

/** Status, volume, and what it got once it is bound. */
export function persistentVolumeClaimCells(object: PersistentVolumeClaim, now: number): unknown[] {
  const { spec, status } = object;
  const bound = Boolean(spec?.volumeName);
  return [
    nameOf(object),
    isDeleted(object) ? 'Terminating' : (status?.phase ?? ''),
    spec?.volumeName ?? '',
    bound ? (status?.capacity?.['storage'] ?? '0') : '',
    bound ? accessModes(status?.accessModes) : '',
    storageClass(object),
    spec?.volumeAttributesClassName ?? unset,
    ageOf(object, now),
    spec?.volumeMode ?? unset,
  ];
}

/** Containers, images, labels. */
export function podTemplateCells(object: PodTemplate): unknown[] {
  const { template } = object;
  return [nameOf(object), ...containerCells(template?.spec?.containers), formatLabels(template?.metadata?.labels)];
}

/** Desired, current, ready. */
export function replicationControllerCells(object: ReplicationController, now: number): unknown[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(object, now),
    ...containerCells(spec?.template?.spec?.containers),
    formatLabels(spec?.selector),
  ];
}

/** Used of hard, requests and limits apart. */
export function resourceQuotaCells(object: ResourceQuota, now: number): unknown[] {
  const { hard = {}, used = {} } = object.status ?? {};
  const requests: string[] = [];
  const limits: string[] = [];
  for (const name of Object.keys(hard).toSorted()) {
    const text = `${name}: ${used[name] ?? '0'}/${hard[name]}`;
    (name.startsWith('limits.') ? limits : requests).push(text);
  }
  return [nameOf(object), requests.join(', '), limits.join(', '), ageOf(object, now)];
}
