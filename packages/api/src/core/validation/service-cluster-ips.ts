/** Addresses and families of Services (`pkg/apis/core/validation/validation.go`, `ValidateServiceClusterIPsRelatedFields`). */
import { isIPv6, parseIP } from '@kubets/apimachinery/validation-ip';
import type { Service, ServiceSpec } from '../../generated/types/core-v1.ts';
import type { ErrorList } from './pod-error-list.ts';
import { checkIP, isDualStack } from './pod-ip.ts';
import { isHeadless } from './service-traits.ts';

export interface ServiceValidationOptions {
  /** No leading zeros in new addresses. */
  readonly strictIP: boolean;
  /** The stored Service, whose values may stay as they are. */
  readonly old?: Readonly<Service>;
}

const path = 'spec.clusterIPs';
const families = ['IPv4', 'IPv6'];
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

function checkFamilies(errors: ErrorList, { ipFamilies = [], ipFamilyPolicy }: ServiceSpec): void {
  ipFamilies.forEach((family, i) => {
    if (!families.includes(family)) errors.notSupported(`spec.ipFamilies[${i}]`, family, families);
    if (ipFamilies.indexOf(family) < i) errors.duplicate(`spec.ipFamilies[${i}]`, family);
  });
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies);
  }
}

function checkInSync(errors: ErrorList, { clusterIP = '', clusterIPs = [] }: ServiceSpec): void {
  if (clusterIP === '') {
    if (clusterIPs.length > 0) errors.invalid(path, clusterIPs, 'must be empty when `clusterIP` is not specified');
  } else if (clusterIPs.length === 0) errors.required(path);
  else if (clusterIPs[0] !== clusterIP) errors.invalid(path, clusterIPs, 'first value must match `clusterIP`');
}

/** Whether all are addresses, so that more can be said about them. */
function checkAddresses(
  errors: ErrorList,
  clusterIPs: readonly string[],
  { strictIP, old }: ServiceValidationOptions,
): boolean {
  const before = errors.length;
  clusterIPs.forEach((ip, i) => {
    if (i > 0 || ip !== 'None') {
      checkIP(errors, ip, { path: `${path}[${i}]`, strict: strictIP, existing: old?.spec?.clusterIPs ?? [] });
    } else if (clusterIPs.length > 1) errors.invalid(path, clusterIPs, "'None' must be the first and only value");
  });
  const fine = errors.length === before;
  if (clusterIPs.length > 2) errors.invalid(path, clusterIPs, 'may only hold up to 2 values');
  return fine;
}

function checkMatch(errors: ErrorList, clusterIPs: readonly string[], ipFamilies: readonly string[]): void {
  clusterIPs.slice(0, ipFamilies.length).forEach((text, i) => {
    const ip = parseIP(text);
    const six = ip !== undefined && isIPv6(ip);
    const wanted = ipFamilies[i];
    if ((wanted === 'IPv4' && six) || (wanted === 'IPv6' && !six)) {
      errors.invalid(`${path}[${i}]`, text, `expected an ${wanted} value as indicated by \`ipFamilies[${i}]\``);
    }
  });
}

export function checkClusterIPs(errors: ErrorList, service: Service, options: ServiceValidationOptions): void {
  const { spec = {} } = service;
  if (spec.type === 'ExternalName') return;
  checkInSync(errors, spec);
  checkFamilies(errors, spec);
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (!checkAddresses(errors, clusterIPs, options)) return;
  if (clusterIPs.length > 1 && !isDualStack(clusterIPs)) {
    errors.invalid(path, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  if (!isHeadless(service)) checkMatch(errors, clusterIPs, ipFamilies);
}
