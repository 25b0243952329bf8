/** Warnings about Services (`pkg/api/service/warnings.go`, `GetWarningsForService`). */
import { Path } from '@kubets/apimachinery/field';
import { warningsForCIDR, warningsForIP } from '@kubets/apimachinery/validation-ip';
import type { Service, ServiceSpec } from '../../generated/types/core-v1.ts';
import { isHeadless } from './service-traits.ts';

const hints = 'service.kubernetes.io/topology-aware-hints';
const mode = 'service.kubernetes.io/topology-mode';

function ignoredWhenHeadless(spec: ServiceSpec): string[] {
  const warnings: string[] = [];
  if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
  if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services');
  if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  return warnings;
}

function addressWarnings(spec: ServiceSpec, headless: boolean): string[] {
  const warnings: string[] = [];
  const ips = (field: 'clusterIPs' | 'externalIPs'): void =>
    spec[field]?.forEach((ip, i) => warnings.push(...warningsForIP(Path.of(`spec.${field}[${i}]`), ip)));
  if (!headless) ips('clusterIPs');
  ips('externalIPs');
  if (spec.loadBalancerIP) warnings.push(...warningsForIP(Path.of('spec.loadBalancerIP'), spec.loadBalancerIP));
  spec.loadBalancerSourceRanges?.forEach((range, i) =>
    warnings.push(...warningsForCIDR(Path.of(`spec.loadBalancerSourceRanges[${i}]`), range)),
  );
  return warnings;
}

export function serviceWarnings(service: Service, old?: Readonly<Service>): string[] {
  const { spec = {}, metadata } = service;
  const warnings: string[] = [];
  if (metadata.annotations !== undefined && hints in metadata.annotations && !old?.metadata.annotations?.[hints]) {
    warnings.push(`annotation ${hints} is deprecated, please use ${mode} instead`);
  }
  const headless = isHeadless(service);
  if (headless) warnings.push(...ignoredWhenHeadless(spec));
  warnings.push(...addressWarnings(spec, headless));
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  return warnings;
}
