/** Nodes (`pkg/apis/core/validation/validation.go`, `ValidateNode`, `ValidateNodeUpdate`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { parseCIDR, warningsForCIDR, warningsForIP } from '@kubets/apimachinery/validation-ip';
import type { Node } from '../../generated/types/core-v1.ts';
import { checkCIDR } from './resource-names-cidr.ts';
import { checkQuantityValue } from './resource-names-quantity.ts';
import { checkNodeConfigSource } from './node-config.ts';
import { checkTaints } from './node-taints.ts';
import { ErrorList } from './pod-error-list.ts';

const taintsPath = 'metadata.taints';

function checkResources(errors: ErrorList, { status }: Node): void {
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, text] of Object.entries(status?.[list] ?? {})) {
      checkQuantityValue(errors, [name, text], `status.${list}.${name}`);
    }
  }
}

function checkSwap(errors: ErrorList, { status }: Node): void {
  const capacity = status?.nodeInfo?.swap?.capacity;
  if (capacity !== undefined && capacity <= 0) {
    errors.invalid('metadata.nodeSwapStatus.capacity', capacity, 'must be greater than 0');
  }
}

function checkPodCIDRs(errors: ErrorList, cidrs: readonly string[], strict: boolean): void {
  const path = 'spec.podCIDRs';
  cidrs.forEach((cidr, i) => checkCIDR(errors, cidr, { path: `${path}[${i}]`, strict }));
  if (cidrs.length < 2) return;
  const families = new Set(cidrs.map((cidr) => parseCIDR(cidr)?.network.length));
  if (families.size < 2 || cidrs.length > 2) {
    errors.invalid(path, cidrs, 'may specify no more than one CIDR for each IP family');
  }
  cidrs.forEach((cidr, i) => cidrs.indexOf(cidr) < i && errors.duplicate(`${path}[${i}]`, cidr));
}

/** `strictCIDR`: no leading zeros, no host bits. */
export function validateNode(node: Node, { strictCIDR }: { strictCIDR: boolean }): FieldError[] {
  const errors = new ErrorList();
  checkTaints(errors, node.spec?.taints ?? [], taintsPath);
  checkResources(errors, node);
  checkSwap(errors, node);
  checkPodCIDRs(errors, node.spec?.podCIDRs ?? [], strictCIDR);
  return errors.errors;
}

function checkAddresses(errors: ErrorList, { status }: Node): void {
  const seen = new Set<string>();
  (status?.addresses ?? []).forEach((address, i) => {
    const id = `${address.type}/${address.address}`;
    if (seen.has(id)) errors.duplicate(`status.addresses[${i}]`, address);
    seen.add(id);
  });
}

function checkSetOnce(errors: ErrorList, node: Node, old: Readonly<Node>): void {
  const before = old.spec?.podCIDRs ?? [];
  const now = node.spec?.podCIDRs ?? [];
  const why = 'node updates may not change podCIDR except from "" to valid';
  if (before.length > 0 && before.length !== now.length) errors.forbidden('spec.podCIDRs', why);
  else before.forEach((cidr, i) => cidr !== now[i] && errors.forbidden('spec.podCIDRs', why));
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) {
    errors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
  if ((node.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) {
    errors.forbidden('spec.externalID', 'may not be updated');
  }
}

/** The rules of changes, for the node and its status alike. */
export function validateNodeUpdate(node: Node, old: Readonly<Node>): FieldError[] {
  const errors = new ErrorList();
  checkResources(errors, node);
  checkSwap(errors, node);
  checkAddresses(errors, node);
  checkSetOnce(errors, node, old);
  checkNodeConfigSource(errors, node);
  checkTaints(errors, node.spec?.taints ?? [], taintsPath);
  return errors.errors;
}

/** `pkg/api/node/util.go`, `GetWarningsForNode`. */
export function nodeWarnings(node: Node): string[] {
  const warnings: string[] = [];
  const { spec, status } = node;
  if (spec?.configSource) warnings.push('spec.configSource: the feature is removed');
  if (spec?.externalID) warnings.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  (spec?.podCIDRs ?? []).forEach((cidr, i) => warnings.push(...warningsForCIDR(Path.of(`spec.podCIDRs[${i}]`), cidr)));
  (status?.addresses ?? []).forEach(({ type, address }, i) => {
    if (type === 'InternalIP' || type === 'ExternalIP') {
      warnings.push(...warningsForIP(Path.of(`status.addresses[${i}].address`), address));
    }
  });
  return warnings;
}
