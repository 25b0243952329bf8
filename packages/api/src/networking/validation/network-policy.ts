/** NetworkPolicies (`pkg/apis/networking/validation/validation.go`, `ValidateNetworkPolicy`). */
import { Path, type FieldError } from '@kubets/apimachinery/field';
import { validateLabelSelector } from '@kubets/apimachinery/label-selector';
import { formatCIDR, parseCIDR, warningsForCIDR, type CIDR } from '@kubets/apimachinery/validation-ip';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { portName, portNumber } from '../../core/validation/pod-names.ts';
import { checkSelector } from '../../core/validation/pod-selectors.ts';
import { checkCIDR } from '../../core/validation/resource-names-cidr.ts';
import type { LabelSelector } from '../../generated/types/meta-v1.ts';
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../generated/types/networking-v1.ts';

const protocols = ['TCP', 'UDP', 'SCTP'];
const policyTypes = ['Egress', 'Ingress'];

interface Options {
  readonly strictCIDR: boolean;
  readonly allowInvalidValues: boolean;
  readonly existingCIDRs: readonly string[];
}

interface At {
  readonly path: string;
  readonly options: Options;
}

function checkPort(errors: ErrorList, { protocol, port, endPort }: NetworkPolicyPort, path: string): void {
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.notSupported(`${path}.protocol`, protocol, protocols);
  }
  const end = `${path}.endPort`;
  if (typeof port === 'number') {
    if (endPort !== undefined) {
      if (endPort < port) errors.invalid(end, endPort, 'must be greater than or equal to `port`');
      errors.eachInvalid(end, endPort, portNumber(endPort));
    }
    errors.eachInvalid(`${path}.port`, port, portNumber(port));
  } else if (port !== undefined) {
    if (endPort !== undefined) errors.invalid(end, endPort, 'may not be specified when `port` is non-numeric');
    errors.eachInvalid(`${path}.port`, port, portName(port));
  } else if (endPort !== undefined) errors.invalid(end, endPort, 'may not be specified when `port` is not specified');
}

/** Inside, and not the whole of it. */
function isStrictSubset(inner: CIDR, outer: CIDR): boolean {
  if (inner.network.length !== outer.network.length || inner.bits <= outer.bits) return false;
  const masked = parseCIDR(`${formatCIDR(inner).split('/')[0]}/${outer.bits}`);
  return masked !== undefined && formatCIDR(masked) === formatCIDR(outer);
}

function checkBlock(errors: ErrorList, { cidr, except = [] }: IPBlock, { path, options }: At): void {
  const legacy = { strict: options.strictCIDR, existing: options.existingCIDRs };
  if (!cidr) return errors.required(`${path}.cidr`);
  checkCIDR(errors, cidr, { path: `${path}.cidr`, ...legacy });
  const outer = parseCIDR(cidr);
  if (outer === undefined) return;
  for (const [i, text] of except.entries()) {
    const at = `${path}.except[${i}]`;
    checkCIDR(errors, text, { path: at, ...legacy });
    const inner = parseCIDR(text);
    if (inner === undefined) return;
    if (!isStrictSubset(inner, outer)) errors.invalid(at, formatCIDR(inner), 'must be a strict subset of `cidr`');
  }
}

function checkPeer(errors: ErrorList, peer: NetworkPolicyPeer, { path, options }: At): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const { allowInvalidValues } = options;
  checkSelector(errors, podSelector, { path: `${path}.podSelector`, allowInvalidValues });
  checkSelector(errors, namespaceSelector, { path: `${path}.namespaceSelector`, allowInvalidValues });
  if (ipBlock) checkBlock(errors, ipBlock, { path: `${path}.ipBlock`, options });
  if (!podSelector && !namespaceSelector && !ipBlock) errors.required(path, 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.forbidden(path, 'may not specify both ipBlock and another peer');
  }
}

interface Rule {
  readonly ports?: readonly NetworkPolicyPort[];
  readonly peers?: readonly NetworkPolicyPeer[];
}

function checkRule(
  errors: ErrorList,
  { ports = [], peers = [] }: Rule,
  { path, options, name }: At & { name: string },
): void {
  ports.forEach((port, i) => checkPort(errors, port, `${path}.ports[${i}]`));
  peers.forEach((peer, i) => checkPeer(errors, peer, { path: `${path}.${name}[${i}]`, options }));
}

function validateSpec(spec: NetworkPolicySpec, options: Options): FieldError[] {
  const errors = new ErrorList();
  const { podSelector, ingress = [], egress = [], policyTypes: types = [] } = spec;
  checkSelector(errors, podSelector, { path: 'spec.podSelector', allowInvalidValues: options.allowInvalidValues });
  ingress.forEach(({ ports, from }, i) => {
    const rule = { ...(ports && { ports }), ...(from && { peers: from }) };
    checkRule(errors, rule, { path: `spec.ingress[${i}]`, options, name: 'from' });
  });
  egress.forEach(({ ports, to }, i) => {
    const rule = { ...(ports && { ports }), ...(to && { peers: to }) };
    checkRule(errors, rule, { path: `spec.egress[${i}]`, options, name: 'to' });
  });
  if (types.length > 2) errors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
  else {
    for (const type of types) {
      if (!policyTypes.includes(type)) errors.notSupported('spec.policyTypes', type, policyTypes);
    }
  }
  return errors.errors;
}

function peersOf({ ingress = [], egress = [] }: NetworkPolicySpec): NetworkPolicyPeer[] {
  return [...ingress.flatMap(({ from }) => from ?? []), ...egress.flatMap(({ to }) => to ?? [])];
}

const isInvalid = (selector: LabelSelector | undefined): boolean =>
  validateLabelSelector(selector, Path.root).length > 0;

const emptySpec = {} as NetworkPolicySpec;

export function validateNetworkPolicy(
  { spec = emptySpec }: NetworkPolicy,
  { strictCIDR }: { strictCIDR: boolean },
): FieldError[] {
  return validateSpec(spec, { strictCIDR, allowInvalidValues: false, existingCIDRs: [] });
}

/** What the stored policy has already may stay. */
export function validateNetworkPolicyUpdate(
  { spec = emptySpec }: NetworkPolicy,
  { spec: old = emptySpec }: Readonly<NetworkPolicy>,
  { strictCIDR }: { strictCIDR: boolean },
): FieldError[] {
  const peers = peersOf(old);
  const selectors = [old.podSelector, ...peers.flatMap((peer) => [peer.podSelector, peer.namespaceSelector])];
  const existingCIDRs = peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));
  return validateSpec(spec, { strictCIDR, existingCIDRs, allowInvalidValues: selectors.some(isInvalid) });
}

function peerWarnings(peers: readonly NetworkPolicyPeer[] | undefined, path: string): string[] {
  return (peers ?? []).flatMap(({ ipBlock }, i) => {
    if (!ipBlock) return [];
    const at = `${path}[${i}].ipBlock`;
    const except = (ipBlock.except ?? []).flatMap((cidr, j) => warningsForCIDR(Path.of(`${at}.except[${j}]`), cidr));
    return [...warningsForCIDR(Path.of(`${at}.cidr`), ipBlock.cidr), ...except];
  });
}

export function networkPolicyWarnings({ spec = emptySpec }: NetworkPolicy): string[] {
  return [
    ...(spec.ingress ?? []).flatMap(({ from }, i) => peerWarnings(from, `spec.ingress[${i}].from`)),
    ...(spec.egress ?? []).flatMap(({ to }, i) => peerWarnings(to, `spec.egress[${i}].to`)),
  ];
}
