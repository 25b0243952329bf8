/** What may change about a Service (`pkg/apis/core/validation/validation.go`, `ValidateServiceUpdate`). */
import type { FieldError } from '@kubets/apimachinery/field';
import type { Service } from '../../generated/types/core-v1.ts';
import { ErrorList } from './pod-error-list.ts';
import { validateService } from './service.ts';
import { isHeadless, isLoadBalancer, needsHealthCheck, sameField } from './service-traits.ts';

const once = 'may not change once set';

interface Lists {
  readonly field: 'clusterIPs' | 'ipFamilies';
  readonly now: readonly string[];
  readonly before: readonly string[];
  /** What the messages call one item. */
  readonly noun: string;
}

/** A second address or family may be added and taken away again; the first one stays. */
function checkList(errors: ErrorList, service: Service, { field, now, before, noun }: Lists): void {
  const first = `spec.${field}[0]`;
  if (before.length === now.length) {
    before.forEach((value, i) => {
      const index = field === 'clusterIPs' ? i : 0;
      if (value !== now[i]) errors.invalid(`spec.${field}[${index}]`, now, once);
    });
    return;
  }
  const shrinks = before.length > now.length;
  if (shrinks && !service.spec?.clusterIPs?.length) errors.invalid(first, now, `primary ${noun} can not be unset`);
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) errors.invalid(first, now, once);
  if (shrinks && now.length === 1 && service.spec?.ipFamilyPolicy !== 'SingleStack') {
    const detail = `must be set to 'SingleStack' when releasing the secondary ${noun}`;
    errors.invalid('spec.ipFamilyPolicy', service.spec?.ipFamilyPolicy, detail);
  }
}

function checkStack(errors: ErrorList, service: Service, old: Readonly<Service>): void {
  if (service.spec?.type === 'ExternalName' || old.spec?.type === 'ExternalName') return;
  const now = isHeadless(service);
  const before = isHeadless(old);
  if (!(now && before)) {
    const lists = { now: service.spec?.clusterIPs ?? [], before: old.spec?.clusterIPs ?? [] };
    checkList(errors, service, { field: 'clusterIPs', ...lists, noun: 'clusterIP' });
  }
  if (!now && !before) {
    const lists = { now: service.spec?.ipFamilies ?? [], before: old.spec?.ipFamilies ?? [] };
    checkList(errors, service, { field: 'ipFamilies', ...lists, noun: 'ipFamily' });
  }
}

export function validateServiceUpdate(
  service: Service,
  old: Readonly<Service>,
  { strictIP }: { strictIP: boolean },
): FieldError[] {
  const errors = new ErrorList();
  checkStack(errors, service, old);
  if (isLoadBalancer(old) && isLoadBalancer(service) && !sameField(service, old, 'loadBalancerClass')) {
    errors.invalid('spec.loadBalancerClass', service.spec?.loadBalancerClass, once);
  }
  const keepsPort = needsHealthCheck(old) && needsHealthCheck(service);
  if (keepsPort && !sameField(service, old, 'healthCheckNodePort')) {
    errors.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
  errors.add(validateService(service, { strictIP, old }));
  return errors.errors;
}
