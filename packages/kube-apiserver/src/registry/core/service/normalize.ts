/**
 * Values that clients leave out or that no longer apply (`pkg/registry/core/service/strategy.go`,
 * `patchAllocatedValues`, `NormalizeClusterIPs`, `dropTypeDependentFields`). `service` is changed, `old` is shared.
 */
import {
  isExternallyAccessible,
  isLoadBalancer,
  needsClusterIP,
  needsHealthCheck,
  needsNodePort,
  nodePortsOf,
  sameField,
} from '@kubets/api/core/validation/service-traits';
import type { Service, ServiceSpec } from '@kubets/api/types/core-v1';

type Old = Readonly<Service>;

/** The spec, there from now on. */
export function specOf(service: Service): ServiceSpec {
  service.spec ??= {};
  return service.spec;
}

function patchNodePorts(service: Service, old: Old): void {
  const kept = new Set(nodePortsOf(service));
  const used = new Set(nodePortsOf(old).filter((port) => kept.has(port)));
  const byName = new Map((old.spec?.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort ?? 0]));
  for (const port of specOf(service).ports ?? []) {
    const before = byName.get(port.name ?? '') ?? 0;
    if (port.nodePort || before === 0 || used.has(before)) continue;
    port.nodePort = before;
    used.add(before);
  }
}

/** Takes from `old` what was allocated for it and the client did not send. */
export function patchAllocatedValues(service: Service, old: Old): void {
  const spec = specOf(service);
  const before = old.spec ?? {};
  if (needsClusterIP(old) && needsClusterIP(service)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP;
    if (!spec.clusterIPs?.length && spec.clusterIP === before.clusterIP && before.clusterIPs) {
      spec.clusterIPs = [...before.clusterIPs];
    }
  }
  if (needsNodePort(old) && needsNodePort(service)) patchNodePorts(service, old);
  if (needsHealthCheck(old) && needsHealthCheck(service) && !spec.healthCheckNodePort && before.healthCheckNodePort) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** Keeps `clusterIP` and `clusterIPs` together for clients that know only one of them. */
export function normalizeClusterIPs(service: Service, old?: Old): void {
  const spec = specOf(service);
  const { clusterIP = '' } = spec;
  if (old === undefined) {
    if (clusterIP !== '' && !spec.clusterIPs?.length) spec.clusterIPs = [clusterIP];
    return;
  }
  const before = old.spec ?? {};
  const same = clusterIP === (before.clusterIP ?? '');
  if (before.clusterIPs?.length && !spec.clusterIPs?.length && same) spec.clusterIPs = [...before.clusterIPs];
  if (same || !sameField(service, old, 'clusterIPs')) return;
  if (clusterIP === '') delete spec.clusterIPs;
  else spec.clusterIPs = [clusterIP];
}

function dropUnless(service: Service, old: Old, drop: { field: keyof ServiceSpec; needs: (s: Old) => boolean }): void {
  if (!drop.needs(old) || drop.needs(service) || !sameField(service, old, drop.field)) return;
  delete specOf(service)[drop.field];
}

const sameNodePorts = (service: Service, old: Old): boolean => {
  const before = new Set(nodePortsOf(old));
  const now = new Set(nodePortsOf(service));
  return before.size === now.size && before.isSubsetOf(now);
};

/** Drops what the old type needed and the new one does not, unless the client changed it too. */
export function dropTypeDependentFields(service: Service, old: Old): void {
  const spec = specOf(service);
  if (needsClusterIP(old) && !needsClusterIP(service)) {
    if (sameField(service, old, 'clusterIPs')) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameField(service, old, 'ipFamilies')) delete spec.ipFamilies;
    if (sameField(service, old, 'ipFamilyPolicy')) delete spec.ipFamilyPolicy;
  }
  if (needsNodePort(old) && !needsNodePort(service) && sameNodePorts(service, old)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  dropUnless(service, old, { field: 'healthCheckNodePort', needs: needsHealthCheck });
  dropUnless(service, old, { field: 'allocateLoadBalancerNodePorts', needs: isLoadBalancer });
  dropUnless(service, old, { field: 'loadBalancerClass', needs: isLoadBalancer });
  dropUnless(service, old, { field: 'externalTrafficPolicy', needs: isExternallyAccessible });
  if (!isLoadBalancer(service) && service.status?.loadBalancer?.ingress) {
    service.status = { ...service.status, loadBalancer: {} };
  }
}
