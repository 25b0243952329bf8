/** EndpointSlices of a Service as objects: labels, owner, names (upstream `staging/src/k8s.io/endpointslice/utils.go`). Pure. */
import { nameIsDNSSubdomain } from '@kubets/apimachinery/names';
import type { Service } from '@kubets/api/types/core-v1';
import type { EndpointPort, EndpointSlice } from '@kubets/api/types/discovery-v1';
import { services } from '@kubets/client/resources';
import { controllerRef } from '../lib/owner-references.ts';
import type { AddressType } from './endpoint.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';
/** The value of {@link managedByLabel} on this controller's slices. */
export const sliceControllerName = 'endpointslice-controller.k8s.io';
export const lastChangeTriggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

type Labels = Readonly<Record<string, string>>;

const isReserved = (label: string): boolean =>
  label === serviceNameLabel || label === managedByLabel || label === headlessLabel;

const withoutReserved = (labels: Labels | undefined): [string, string][] =>
  Object.entries(labels ?? {}).filter(([label]) => !isReserved(label));

/** Whether a Service has no address of its own, or none yet (`!isServiceIPSet`). */
export function isHeadless(service: Readonly<Service>): boolean {
  const clusterIP = service.spec?.clusterIP ?? '';
  return clusterIP === '' || clusterIP === 'None';
}

/** The labels of a Service's slices: its own, and who is who. */
export function sliceLabels(service: Readonly<Service>): Record<string, string> {
  const labels: Record<string, string> = Object.fromEntries(withoutReserved(service.metadata.labels));
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[serviceNameLabel] = service.metadata.name ?? '';
  labels[managedByLabel] = sliceControllerName;
  return labels;
}

/** Whether a slice's labels are not those of the Service; the reserved ones do not count (`setEndpointSliceLabels`). */
export function labelsDiffer(slice: Readonly<EndpointSlice>, service: Readonly<Service>): boolean {
  const have = withoutReserved(slice.metadata.labels);
  const want = withoutReserved(service.metadata.labels);
  if (have.length !== want.length) return true;
  return want.some(([label, value]) => slice.metadata.labels?.[label] !== value);
}

/** Any controller's or none: whether the slice belongs to this very Service (`ownedBy`). */
export function ownedBy(slice: Readonly<EndpointSlice>, service: Readonly<Service>): boolean {
  const references = slice.metadata.ownerReferences ?? [];
  return references.some((r) => r.uid === service.metadata.uid && r.kind === 'Service' && r.apiVersion === 'v1');
}

/** `name-`, or `name` where that would be too long (`getEndpointSlicePrefix`). */
function slicePrefix(serviceName: string): string {
  const prefix = `${serviceName}-`;
  return nameIsDNSSubdomain(prefix, true).length === 0 ? prefix : serviceName;
}

/** A slice without endpoints that is not there yet (`newEndpointSlice`). */
export function newSlice(
  service: Readonly<Service>,
  addressType: AddressType,
  ports: readonly EndpointPort[],
): EndpointSlice {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      generateName: slicePrefix(service.metadata.name ?? ''),
      namespace: service.metadata.namespace ?? '',
      labels: sliceLabels(service),
      ownerReferences: [controllerRef(service, services)],
    },
    addressType,
    endpoints: [],
    ports: [...ports],
  };
}

/** The same slice with a new list of endpoints, which may be added to. */
export function withEndpoints(slice: Readonly<EndpointSlice>, endpoints: EndpointSlice['endpoints']): EndpointSlice {
  return { ...slice, endpoints: [...(endpoints ?? [])] };
}

/** The same slice with other labels. */
export function withLabels(slice: Readonly<EndpointSlice>, labels: Labels): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, labels: { ...labels } } };
}

/**
 * The slice with the time of the change that led to it, or without one (`addTriggerTimeAnnotation`): by this proxies tell how
 * long it took to get to them.
 */
export function withTriggerTime(slice: Readonly<EndpointSlice>, time: string | undefined): EndpointSlice {
  const { [lastChangeTriggerTime]: _, ...rest } = slice.metadata.annotations ?? {};
  const annotations = time === undefined ? rest : { ...rest, [lastChangeTriggerTime]: time };
  const { annotations: _old, ...metadata } = slice.metadata;
  if (Object.keys(annotations).length === 0) return { ...slice, metadata };
  return { ...slice, metadata: { ...metadata, annotations } };
}
