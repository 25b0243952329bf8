/** What concerns the outside world (`pkg/apis/core/validation/validation.go`: load balancers, traffic policies, external addresses). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Subdomain } from '@kubets/apimachinery/names';
import { parseIP } from '@kubets/apimachinery/validation-ip';
import type { LoadBalancerIngress, Service } from '../../generated/types/core-v1.ts';
import { checkNonSpecialIP } from './endpoints-addresses.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkIP } from './pod-ip.ts';
import { portNumber, qualifiedName } from './pod-names.ts';
import { checkCIDR } from './resource-names-cidr.ts';
import type { ServiceValidationOptions } from './service-cluster-ips.ts';
import { isExternallyAccessible, isLoadBalancer, needsHealthCheck } from './service-traits.ts';

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const rangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

export function checkExternalIPs(errors: ErrorList, service: Service, options: ServiceValidationOptions): void {
  const existing = options.old?.spec?.externalIPs ?? [];
  (service.spec?.externalIPs ?? []).forEach((ip, i) => {
    const path = `spec.externalIPs[${i}]`;
    const before = errors.length;
    checkIP(errors, ip, { path, strict: options.strictIP, existing });
    if (errors.length === before) checkNonSpecialIP(errors, ip, path);
  });
}

export function checkSourceRanges(
  errors: ErrorList,
  service: Service,
  { strictIP, old }: ServiceValidationOptions,
): void {
  const { spec, metadata } = service;
  const ranges = spec?.loadBalancerSourceRanges ?? [];
  const annotation = metadata.annotations?.[rangesAnnotation];
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges';
    if (!isLoadBalancer(service)) errors.forbidden(path, onlyLoadBalancer);
    const existing = (old?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    ranges.forEach((range, i) =>
      checkCIDR(errors, range.trim(), { path: `${path}[${i}]`, strict: strictIP, existing }),
    );
  } else if (annotation !== undefined) {
    const path = `metadata.annotations[${rangesAnnotation}]`;
    if (!isLoadBalancer(service)) errors.forbidden(path, onlyLoadBalancer);
    if (annotation.trim() === '') return;
    const unchanged = old?.metadata.annotations?.[rangesAnnotation] === annotation;
    for (const range of annotation.split(',')) {
      checkCIDR(errors, range.trim(), { path, strict: strictIP && !unchanged });
    }
  }
}

/** `validateLoadBalancerClassField` and the node ports of load balancers. */
export function checkLoadBalancerFields(errors: ErrorList, service: Service): void {
  const { allocateLoadBalancerNodePorts: allocate, loadBalancerClass } = service.spec ?? {};
  if (allocate !== undefined && !isLoadBalancer(service)) {
    errors.forbidden('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer);
  }
  if (allocate === undefined && isLoadBalancer(service)) errors.required('allocateLoadBalancerNodePorts');
  if (loadBalancerClass === undefined) return;
  if (!isLoadBalancer(service)) errors.forbidden('spec.loadBalancerClass', onlyLoadBalancer);
  else errors.eachInvalid('spec.loadBalancerClass', loadBalancerClass, qualifiedName(loadBalancerClass));
}

const trafficPolicies = ['Cluster', 'Local'];

function checkHealthCheckPort(errors: ErrorList, service: Service): void {
  const path = 'spec.healthCheckNodePort';
  const port = service.spec?.healthCheckNodePort ?? 0;
  if (!needsHealthCheck(service)) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (port !== 0) errors.invalid(path, port, detail);
  } else if (port === 0) errors.required(path);
  else errors.eachInvalid(path, port, portNumber(port));
}

export function checkTrafficPolicies(errors: ErrorList, service: Service): void {
  const { externalTrafficPolicy: external = '' as string, internalTrafficPolicy: internal, type } = service.spec ?? {};
  const path = 'spec.externalTrafficPolicy';
  if (!isExternallyAccessible(service)) {
    if (external !== '') errors.invalid(path, external, 'may only be set for externally-accessible services');
  } else if (external === '') errors.required(path);
  else if (!trafficPolicies.includes(external)) errors.notSupported(path, external, trafficPolicies);
  checkHealthCheckPort(errors, service);
  if (internal === undefined) {
    if (type !== 'ExternalName') errors.required('spec.internalTrafficPolicy');
  } else if (!trafficPolicies.includes(internal)) {
    errors.notSupported('spec.internalTrafficPolicy', internal, trafficPolicies);
  }
}

const modes = ['Proxy', 'VIP'];

function checkMode(errors: ErrorList, { ip = '', ipMode }: LoadBalancerIngress, path: string): void {
  if (ipMode === undefined) {
    if (ip !== '') errors.required(path, 'must be specified when `ip` is set');
  } else if (ip === '') errors.forbidden(path, 'may not be specified when `ip` is not set');
  else if (!modes.includes(ipMode)) errors.notSupported(path, ipMode, modes);
}

function checkIngress(
  errors: ErrorList,
  ingress: LoadBalancerIngress,
  { path, strict, existing }: { path: string; strict: boolean; existing: readonly string[] },
): void {
  const { ip = '', hostname = '' } = ingress;
  if (ip !== '') checkIP(errors, ip, { path: `${path}.ip`, strict, existing });
  checkMode(errors, ingress, `${path}.ipMode`);
  if (hostname === '') return;
  errors.eachInvalid(`${path}.hostname`, hostname, isDNS1123Subdomain(hostname));
  if (parseIP(hostname) !== undefined) {
    errors.invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address');
  }
}

/** `ValidateServiceStatusUpdate`. */
export function validateServiceStatusUpdate(
  service: Service,
  old: Readonly<Service>,
  { strictIP, allowOnOtherTypes }: { strictIP: boolean; allowOnOtherTypes: boolean },
): FieldError[] {
  const errors = new ErrorList();
  const path = 'status.loadBalancer.ingress';
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const existing = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  if (!allowOnOtherTypes && !isLoadBalancer(service) && ingress.length > 0) {
    errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
  } else {
    ingress.forEach((point, i) => checkIngress(errors, point, { path: `${path}[${i}]`, strict: strictIP, existing }));
  }
  return errors.errors;
}
