/** What the Endpoints of a Service are to be (upstream `pkg/controller/endpoint/endpoints_controller.go`, `syncService`). Pure. */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import { isPodReady } from '@kubets/api/core/helpers/pod';
import type { EndpointAddress, EndpointPort, Endpoints, Pod, Service, ServicePort } from '@kubets/api/types/core-v1';
import {
  canonicalAddress,
  findPort,
  podAddresses,
  shouldPodBeInEndpoints,
  shouldSetHostname,
} from '../endpointslice/endpoint.ts';
import { headlessLabel, isHeadless, lastChangeTriggerTime } from '../endpointslice/slice.ts';
import { repackSubsets, truncateSubsets, type AddressOfPort } from './subsets.ts';

/** On Endpoints that are made here, so that others leave them alone. */
const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by';
const endpointsControllerName = 'endpoint-controller';
const overCapacity = 'endpoints.kubernetes.io/over-capacity';

/** The family of which Endpoints have addresses: they know one only. */
function familyOf(service: Readonly<Service>, pod: Readonly<Pod>): string {
  const { ipFamilies, clusterIP = '' } = service.spec ?? {};
  const [first] = ipFamilies ?? [];
  if (first !== undefined) return first;
  const deciding = clusterIP === '' || clusterIP === 'None' ? (pod.status?.podIP ?? '') : clusterIP;
  return canonicalAddress(deciding)?.type ?? 'IPv4';
}

/** Undefined when the pod has no address of the Service's family (`podToEndpointAddressForService`). */
function addressOf(service: Readonly<Service>, pod: Readonly<Pod>): EndpointAddress | undefined {
  const family = familyOf(service, pod);
  const [ip] = podAddresses(pod)[family === 'IPv6' ? 'IPv6' : 'IPv4'];
  if (ip === undefined) return undefined;
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  const { hostname = '', nodeName = '' } = pod.spec ?? {};
  return {
    ip,
    ...(shouldSetHostname(pod, service) && { hostname }),
    nodeName,
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function portOf(port: Readonly<ServicePort>, number: number): EndpointPort {
  const { name = '', protocol = 'TCP', appProtocol } = port;
  return { ...(name !== '' && { name }), port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) };
}

/** Every address behind every port. */
function addressesOf(service: Readonly<Service>, pods: readonly Readonly<Pod>[]): AddressOfPort[] {
  const { ports = [], clusterIP, publishNotReadyAddresses = false } = service.spec ?? {};
  return pods.flatMap((pod): AddressOfPort[] => {
    if (!shouldPodBeInEndpoints(pod, publishNotReadyAddresses)) return [];
    const address = addressOf(service, pod);
    if (address === undefined) return [];
    const ready = publishNotReadyAddresses || isPodReady(pod);
    // A headless Service needs no ports.
    if (ports.length === 0) return clusterIP === 'None' ? [{ address, ready, port: undefined }] : [];
    return ports.flatMap((port) => {
      const number = findPort(pod, port);
      return number === undefined ? [] : [{ address, ready, port: portOf(port, number) }];
    });
  });
}

function labelsOf(service: Readonly<Service>): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  labels[endpointsManagedByLabel] = endpointsControllerName;
  if (isHeadless(service)) labels[headlessLabel] = '';
  return labels;
}

function annotationsOf(
  current: Readonly<Endpoints> | undefined,
  triggerTime: string | undefined,
  truncated: boolean,
): Record<string, string> {
  const { [lastChangeTriggerTime]: _, [overCapacity]: _old, ...annotations } = current?.metadata.annotations ?? {};
  if (triggerTime !== undefined) annotations[lastChangeTriggerTime] = triggerTime;
  if (truncated) annotations[overCapacity] = 'truncated';
  return annotations;
}

export interface EndpointsObserved {
  readonly service: Readonly<Service>;
  readonly pods: readonly Readonly<Pod>[];
  readonly current: Readonly<Endpoints> | undefined;
  readonly triggerTime: string | undefined;
}

function isAsWanted(current: Readonly<Endpoints>, wanted: Endpoints, truncated: boolean): boolean {
  const marked = current.metadata.annotations?.[overCapacity] !== undefined;
  // Whether a Service is headless does not change: the label alone is no reason to write.
  const { [headlessLabel]: _, ...have } = current.metadata.labels ?? {};
  const { [headlessLabel]: _wanted, ...want } = wanted.metadata.labels ?? {};
  return marked === truncated && semanticEqual(have, want) && semanticEqual(current.subsets ?? [], wanted.subsets);
}

/** The object to create or, with a resourceVersion, to update; undefined when all is as it should be. */
export function planEndpoints({ service, pods, current, triggerTime }: EndpointsObserved): Endpoints | undefined {
  const all = repackSubsets(addressesOf(service, pods));
  const subsets = truncateSubsets(all);
  const truncated = subsets !== all;
  const { namespace = '', name = '' } = service.metadata;
  const { annotations: _, labels: _old, ...metadata } = current?.metadata ?? { name, namespace };
  const annotations = annotationsOf(current, triggerTime, truncated);
  const wanted: Endpoints = {
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: {
      ...metadata,
      labels: labelsOf(service),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    subsets,
  };
  return current !== undefined && isAsWanted(current, wanted, truncated) ? undefined : wanted;
}
