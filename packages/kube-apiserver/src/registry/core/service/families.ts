/** Address families of Services (`pkg/registry/core/service/storage/alloc.go`, `initIPFamilyFields`). */
import { checkClusterIPs } from '@kubets/api/core/validation/service-cluster-ips';
import { ErrorList } from '@kubets/api/core/validation/pod-error-list';
import { sameField } from '@kubets/api/core/validation/service-traits';
import type { Service, ServiceSpec } from '@kubets/api/types/core-v1';
import { newInvalid } from '@kubets/apimachinery/status';
import { familyOf, type IPFamily } from './ip-range.ts';
import { specOf } from './normalize.ts';

type Old = Readonly<Service>;

/** The families that have a range, the default one first. */
export type Families = readonly IPFamily[];

const policyPath = 'spec.ipFamilyPolicy';
const other = (family: string | undefined): IPFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');
const isHeadlessWithoutSelector = ({ clusterIP, selector }: ServiceSpec): boolean =>
  clusterIP === 'None' && Object.keys(selector ?? {}).length === 0;

/** A PreferDualStack Service whose addresses stay: it does not follow the cluster to or from dual stack. */
export function keepsPreferredStack(service: Service, old: Old | undefined): boolean {
  const { type, ipFamilyPolicy: policy } = specOf(service);
  if (old === undefined || policy !== 'PreferDualStack' || type === 'ExternalName') return false;
  const before = old.spec?.ipFamilyPolicy ?? policy;
  if (old.spec?.type !== type || before !== policy) return false;
  return sameField(service, old, 'clusterIPs') && sameField(service, old, 'ipFamilies');
}

function defaultPolicy(spec: ServiceSpec, old: Old | undefined): NonNullable<ServiceSpec['ipFamilyPolicy']> {
  if (old?.spec?.ipFamilyPolicy !== undefined) return old.spec.ipFamilyPolicy;
  return isHeadlessWithoutSelector(spec) ? 'RequireDualStack' : 'SingleStack';
}

const isReduced = (now: readonly unknown[] | undefined, before: readonly unknown[] | undefined): boolean =>
  (now?.length ?? 0) > 0 && (now?.length ?? 0) < (before?.length ?? 0);

/** Going to a single stack drops the second address and family; another policy must not lose them silently. */
function reduce(errors: ErrorList, service: Service, old: Old): void {
  const spec = specOf(service);
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameField(service, old, 'clusterIPs') && spec.clusterIPs) spec.clusterIPs = spec.clusterIPs.slice(0, 1);
    if (sameField(service, old, 'ipFamilies') && spec.ipFamilies) spec.ipFamilies = spec.ipFamilies.slice(0, 1);
    return;
  }
  if (isReduced(spec.clusterIPs, old.spec?.clusterIPs)) {
    errors.invalid(policyPath, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP");
  }
  if (isReduced(spec.ipFamilies, old.spec?.ipFamilies)) {
    errors.invalid(policyPath, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family");
  }
}

function checkSingleStack(errors: ErrorList, { ipFamilyPolicy: policy, clusterIPs, ipFamilies }: ServiceSpec): void {
  if (policy !== 'SingleStack') return;
  const must = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
  if (clusterIPs?.length === 2) errors.invalid(policyPath, policy, `${must} cluster IPs are specified`);
  if (ipFamilies?.length === 2) errors.invalid(policyPath, policy, `${must} IP families are specified`);
}

/** The families of the addresses that are asked for. */
function inferFamilies(errors: ErrorList, spec: ServiceSpec, families: Families): void {
  const { clusterIPs = [] } = spec;
  for (const [i, ip] of clusterIPs.entries()) {
    if (ip === 'None') return;
    const known = spec.ipFamilies ?? [];
    if (i < known.length) continue;
    const family = familyOf(ip);
    if (family !== undefined && families.includes(family)) spec.ipFamilies = [...known, family];
    else errors.invalid(`spec.clusterIPs[${i}]`, clusterIPs, `${family} is not configured on this cluster`);
  }
}

function checkConfigured(
  errors: ErrorList,
  { ipFamilyPolicy: policy, ipFamilies = [] }: ServiceSpec,
  families: Families,
): void {
  if (policy === 'RequireDualStack' && families.length < 2) {
    errors.invalid(policyPath, policy, 'this cluster is not configured for dual-stack services');
  }
  ipFamilies.forEach((family, i) => {
    if (!families.includes(family as IPFamily)) {
      errors.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster');
    }
  });
}

function refuse(errors: ErrorList, service: Service): void {
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors.errors);
}

/** Fills `ipFamilyPolicy` and `ipFamilies`. Throws 422 when they do not fit each other or the cluster. */
export function initIPFamilyFields(service: Service, old: Old | undefined, families: Families): void {
  const spec = specOf(service);
  if (spec.type === 'ExternalName' || keepsPreferredStack(service, old)) return;
  spec.ipFamilyPolicy ??= defaultPolicy(spec, old);
  const errors = new ErrorList();
  checkClusterIPs(errors, service, { strictIP: false });
  refuse(errors, service);
  if (old !== undefined) reduce(errors, service, old);
  checkSingleStack(errors, spec);
  inferFamilies(errors, spec, families);
  refuse(errors, service);
  // Endpoints of such a Service are made by hand, of any family, whatever the cluster has.
  const anyFamily = isHeadlessWithoutSelector(spec);
  if (!anyFamily) {
    checkConfigured(errors, spec, families);
    refuse(errors, service);
  }
  addFamilies(spec, families, anyFamily);
}

function addFamilies(spec: ServiceSpec, families: Families, anyFamily: boolean): void {
  if (!spec.ipFamilies?.length) spec.ipFamilies = families.slice(0, 1);
  const both = spec.ipFamilyPolicy !== 'SingleStack' && spec.ipFamilies.length === 1;
  if (both && (anyFamily || families.length === 2)) spec.ipFamilies = [...spec.ipFamilies, other(spec.ipFamilies[0])];
}
