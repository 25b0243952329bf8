/** What kind of Service it is (`pkg/api/service/util.go`, `pkg/registry/core/service/strategy.go`). */
import { semanticEqual } from '@kubets/apimachinery/validation-meta';
import type { Service, ServiceSpec } from '../../generated/types/core-v1.ts';

type Subject = Readonly<Service>;

const specOf = (service: Subject): Readonly<ServiceSpec> => service.spec ?? {};

/** `clusterIP: None`. */
export function isHeadless(service: Subject): boolean {
  const { clusterIPs } = specOf(service);
  return clusterIPs?.length === 1 && clusterIPs[0] === 'None';
}

export function needsClusterIP(service: Subject): boolean {
  const { type } = specOf(service);
  return type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer';
}

export function needsNodePort(service: Subject): boolean {
  const { type, allocateLoadBalancerNodePorts } = specOf(service);
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

export const isLoadBalancer = (service: Subject): boolean => specOf(service).type === 'LoadBalancer';

/** `NeedsHealthCheck`: kube-proxy serves a health check for the load balancer. */
export function needsHealthCheck(service: Subject): boolean {
  return isLoadBalancer(service) && specOf(service).externalTrafficPolicy === 'Local';
}

/** `ExternallyAccessible`. */
export function isExternallyAccessible(service: Subject): boolean {
  const { type, externalIPs = [] } = specOf(service);
  return type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && externalIPs.length > 0);
}

/** Whether a field of the spec is the same in both; absent and empty count as equal. */
export function sameField(a: Subject, b: Subject, field: keyof ServiceSpec): boolean {
  return semanticEqual(specOf(a)[field], specOf(b)[field]);
}

/** The node ports of the Service's ports, those that are set. */
export function nodePortsOf(service: Subject): number[] {
  return (specOf(service).ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));
}
