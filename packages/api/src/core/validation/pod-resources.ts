/**
 * `spec.resources` and what containers ask for together (`pkg/apis/core/validation/validation.go`,
 * `validatePodResources`; `component-helpers/resource/helpers.go`, `AggregateContainerRequests`).
 */
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';
import type { PodSpec } from '../../generated/types/core-v1.ts';
import { isSidecar } from './container-lists.ts';
import { checkResources, isHugePages } from './container-resources.ts';
import type { ErrorList } from './pod-error-list.ts';

type Totals = Map<string, Quantity>;
type List = 'requests' | 'limits';

function addTo(totals: Totals, list: Readonly<Record<string, string>> | undefined): void {
  for (const name in list) {
    const quantity = parseQuantity(list[name] as string);
    totals.set(name, totals.get(name)?.add(quantity) ?? quantity);
  }
}

function raiseTo(totals: Totals, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of other) {
    const current = totals.get(name);
    if (current === undefined || quantity.compare(current) > 0) totals.set(name, quantity);
  }
}

/**
 * What the containers need at the busiest moment: all regular ones and sidecars at once, or an init
 * container beside the sidecars started before it.
 */
export function aggregateContainers(spec: PodSpec, list: List): Totals {
  const totals: Totals = new Map();
  for (const container of spec.containers ?? []) addTo(totals, container.resources?.[list]);
  const sidecars: Totals = new Map();
  const peaks: Totals = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = container.resources?.[list];
    if (isSidecar(container)) {
      addTo(totals, own);
      addTo(sidecars, own);
      raiseTo(peaks, sidecars);
    } else {
      const moment: Totals = new Map(sidecars);
      addTo(moment, own);
      raiseTo(peaks, moment);
    }
  }
  raiseTo(totals, peaks);
  return totals;
}

function checkTotals(errors: ErrorList, spec: PodSpec, path: string): void {
  for (const [name, total] of aggregateContainers(spec, 'requests')) {
    const own = spec.resources?.requests?.[name];
    if (own === undefined || total.compare(parseQuantity(own)) <= 0) continue;
    const detail = `must be greater than or equal to aggregate container requests of ${total.toString()}`;
    errors.invalid(`${path}.requests[${name}]`, own, detail);
  }
  for (const [name, total] of aggregateContainers(spec, 'limits')) {
    const own = isHugePages(name) ? spec.resources?.limits?.[name] : undefined;
    if (own === undefined || total.compare(parseQuantity(own)) <= 0) continue;
    const detail = `must be greater than or equal to aggregate container limits of ${total.toString()}`;
    errors.invalid(`${path}.limits[${name}]`, own, detail);
  }
}

function checkContainerLimits(errors: ErrorList, spec: PodSpec, path: string): void {
  (spec.containers ?? []).forEach(({ resources }, i) => {
    for (const name in resources?.limits) {
      const own = resources?.limits?.[name] as string;
      const limit = spec.resources?.limits?.[name];
      if (limit === undefined || parseQuantity(own).compare(parseQuantity(limit)) <= 0) continue;
      errors.invalid(
        `${path}.containers[${i}][${name}].limits`,
        own,
        `must be less than or equal to pod limits of ${limit}`,
      );
    }
  });
}

export function checkPodResources(
  errors: ErrorList,
  spec: PodSpec,
  context: { path: string; claimNames: ReadonlySet<string>; allowIndivisibleHugePages: boolean },
): void {
  if (!spec.resources) return;
  const path = `${context.path}.resources`;
  if (spec.os?.name === 'windows') return errors.forbidden(path, 'may not be set for a windows pod');
  if (spec.resources.claims?.length) {
    errors.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level');
  }
  checkResources(errors, spec.resources, { ...context, path, podLevel: true });
  checkTotals(errors, spec, path);
  checkContainerLimits(errors, spec, path);
}
