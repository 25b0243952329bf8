/** ServiceCIDRs (`pkg/apis/networking/validation/validation.go`, `ValidateServiceCIDR`). */
import type { FieldError } from '@kubets/apimachinery/field';
import { formatCIDR, parseCIDR } from '@kubets/apimachinery/validation-ip';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkCIDR } from '../../core/validation/resource-names-cidr.ts';
import type { ServiceCIDR } from '../../generated/types/networking-v1.ts';

const path = 'spec.cidrs';
const immutable = 'field is immutable';

/** In new fields a network has one spelling only. */
function checkCanonical(errors: ErrorList, cidr: string, at: string): void {
  const before = errors.length;
  checkCIDR(errors, cidr, { path: at, strict: true });
  const parsed = parseCIDR(cidr);
  if (errors.length > before || parsed === undefined) return;
  const canonical = formatCIDR(parsed);
  if (cidr !== canonical) errors.invalid(at, cidr, `must be in canonical form (${JSON.stringify(canonical)})`);
}

export function validateServiceCIDR({ spec }: ServiceCIDR): FieldError[] {
  const errors = new ErrorList();
  const cidrs = spec?.cidrs ?? [];
  const families = new Set(cidrs.map((cidr) => parseCIDR(cidr)?.network.length));
  if (cidrs.length === 0) errors.required(path, 'at least one CIDR required');
  else if (cidrs.length > 2) errors.invalid(path, { CIDRs: cidrs }, 'may only hold up to 2 values');
  else if (cidrs.length === 2 && (families.size < 2 || families.has(undefined))) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96';
    errors.invalid(path, { CIDRs: cidrs }, detail);
  } else cidrs.forEach((cidr, i) => checkCanonical(errors, cidr, `${path}[${i}]`));
  return errors.errors;
}

/** A range of the other family may be added; nothing else changes. */
export function validateServiceCIDRUpdate(cidr: ServiceCIDR, old: Readonly<ServiceCIDR>): FieldError[] {
  const errors = new ErrorList();
  const now = cidr.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  const grows = before.length === 1 && now.length === 2;
  if (now.length !== before.length && !grows) {
    errors.invalid(path, now, immutable);
    return errors.errors;
  }
  before.forEach((value, i) => value !== now[i] && errors.invalid(`${path}[${i}]`, now[i], immutable));
  if (grows) errors.add(validateServiceCIDR(cidr));
  return errors.errors;
}
