/** Services (`pkg/apis/core/validation/validation.go`, `ValidateService`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isDNS1123Subdomain } from '@kubets/apimachinery/names';
import type { Service, ServiceSpec } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import { checkLabels } from './pod-selectors.ts';
import { checkClusterIPs, type ServiceValidationOptions } from './service-cluster-ips.ts';
import {
  checkExternalIPs,
  checkLoadBalancerFields,
  checkSourceRanges,
  checkTrafficPolicies,
} from './service-load-balancer.ts';
import { checkPortRepeats, checkServicePorts } from './service-ports.ts';
import { isHeadless } from './service-traits.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const affinities = ['ClientIP', 'None'];
const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const maxAffinitySeconds = 86_400;
const hints = 'service.kubernetes.io/topology-aware-hints';
const mode = 'service.kubernetes.io/topology-mode';

function checkAnnotations(errors: ErrorList, { metadata: { annotations = {} } }: Service): void {
  const { [hints]: old, [mode]: value } = annotations;
  if (old === undefined || value === undefined || old === value) return;
  const detail = `must match annotations[${hints}] when both are specified`;
  errors.invalid(`metadata.annotations[${mode}]`, value, detail);
}

function checkExternalName(errors: ErrorList, spec: ServiceSpec): void {
  const why = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) errors.forbidden('spec.clusterIPs', why);
  if (spec.ipFamilies?.length) errors.forbidden('spec.ipFamilies', why);
  if (spec.ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', why);
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.required('spec.externalName');
  else errors.eachInvalid('spec.externalName', name, isDNS1123Subdomain(name));
}

function checkByType(errors: ErrorList, service: Service): void {
  const { spec = {} } = service;
  if (!spec.ports?.length && !isHeadless(service) && spec.type !== 'ExternalName') errors.required('spec.ports');
  if (spec.type === 'ExternalName') checkExternalName(errors, spec);
  else if (spec.type !== 'ClusterIP' && isHeadless(service) && types.includes(spec.type ?? '')) {
    errors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
}

function checkAffinity(
  errors: ErrorList,
  { sessionAffinity: affinity, sessionAffinityConfig: config }: ServiceSpec,
): void {
  if (!affinity) errors.required('spec.sessionAffinity');
  else if (!affinities.includes(affinity)) errors.notSupported('spec.sessionAffinity', affinity, affinities);
  const path = 'spec.sessionAffinityConfig';
  if (affinity === 'None' && config) errors.forbidden(path, 'must not be set when session affinity is None');
  if (affinity !== 'ClientIP') return;
  const why = 'when session affinity type is ClientIP';
  if (!config) return errors.required(path, why);
  if (!config.clientIP) return errors.required(`${path}.clientIP`, why);
  const { timeoutSeconds: timeout } = config.clientIP;
  const at = `${path}.clientIP.timeoutSeconds`;
  if (timeout === undefined) errors.required(at, why);
  else if (timeout <= 0 || timeout > maxAffinitySeconds) {
    errors.invalid(at, timeout, `must be greater than 0 and less than ${maxAffinitySeconds}`);
  }
}

function checkType(errors: ErrorList, type: string | undefined): void {
  if (!type) errors.required('spec.type');
  else if (!types.includes(type)) errors.notSupported('spec.type', type, types);
}

/** All but the metadata that every object has. */
export function validateService(service: Service, options: ServiceValidationOptions): FieldError[] {
  const errors = new ErrorList();
  const { spec = {} } = service;
  checkAnnotations(errors, service);
  checkByType(errors, service);
  checkServicePorts(errors, spec.ports ?? []);
  checkLabels(errors, spec.selector, 'spec.selector');
  checkAffinity(errors, spec);
  checkClusterIPs(errors, service, options);
  checkExternalIPs(errors, service, options);
  checkType(errors, spec.type);
  checkPortRepeats(errors, service);
  checkSourceRanges(errors, service, options);
  checkLoadBalancerFields(errors, service);
  checkTrafficPolicies(errors, service);
  const { trafficDistribution: distribution } = spec;
  if (distribution !== undefined && !distributions.includes(distribution)) {
    errors.notSupported('spec.trafficDistribution', distribution, distributions);
  }
  return errors.errors;
}
