import { describe, expect, it } from 'vitest';
import { changed, texts } from '../../core/validation/resource-names-testing.ts';
import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from '../../generated/types/networking-v1.ts';
import { validateIngressClass, validateIngressClassUpdate } from './ingress-class.ts';
import { ingressWarnings, validateIngress, validateIngressStatusUpdate, validateIngressUpdate } from './ingress.ts';
import { validateIPAddress, validateIPAddressName, validateIPAddressUpdate } from './ip-address.ts';
import { validateNetworkPolicy, validateNetworkPolicyUpdate } from './network-policy.ts';
import { validateServiceCIDR, validateServiceCIDRUpdate } from './service-cidr.ts';

type Row = [Record<string, unknown>, string[]];
const metadata = { name: 'a', namespace: 'default' };
const gates = { relaxedServiceNames: true };

const ingress: Ingress = {
  metadata,
  spec: {
    rules: [
      {
        host: 'example.com',
        http: {
          paths: [{ path: '/a', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }],
        },
      },
    ],
  },
};
const first = 'spec.rules[0].http.paths[0]';

describe('ingresses', () => {
  it('accepts a valid one', () => {
    expect(texts(validateIngress(ingress, gates))).toEqual([]);
    expect(texts(validateIngressUpdate(ingress, ingress, gates))).toEqual([]);
  });

  it.each<Row>([
    [{ 'spec.rules': [] }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [
      { 'spec.rules[0].host': '1.2.3.4' },
      ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
    ],
    [{ 'spec.rules[0].http.paths': [] }, ['spec.rules[0].http.paths: Required value']],
    [{ [`${first}.pathType`]: undefined }, [`${first}.pathType: Required value: pathType must be specified`]],
    [
      { [`${first}.pathType`]: 'X' },
      [`${first}.pathType: Unsupported value: "X": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [{ [`${first}.path`]: 'a' }, [`${first}.path: Invalid value: "a": must be an absolute path`]],
    [{ [`${first}.path`]: '/a//b' }, [`${first}.path: Invalid value: "/a//b": must not contain '//'`]],
    [{ [`${first}.path`]: '/a/..' }, [`${first}.path: Invalid value: "/a/..": cannot end with '/..'`]],
    [{ [`${first}.backend`]: {} }, [`${first}.backend: Invalid value: "": resource or service backend is required`]],
    [
      { [`${first}.backend.resource`]: { kind: 'A', name: 'b' } },
      [`${first}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    [{ [`${first}.backend.service.port`]: {} }, [`${first}.backend: Required value: port name or number is required`]],
    [
      { [`${first}.backend.service.port.name`]: 'x' },
      [`${first}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [{ [`${first}.backend.service.name`]: '' }, [`${first}.backend.service.name: Required value`]],
    [
      { 'metadata.annotations[kubernetes.io/ingress.class]': 'x', 'spec.ingressClassName': 'y' },
      [
        'annotations.kubernetes.io/ingress.class: Invalid value: "x": must match `ingressClassName` when both are specified',
      ],
    ],
  ])('refuses %j', (changes, expected) => {
    expect(texts(validateIngress(changed(ingress, changes), gates))).toEqual(expected);
  });

  it('lets old secret names stay', () => {
    const old = changed(ingress, { 'spec.tls': [{ secretName: 'A_B' }] });
    expect(validateIngressUpdate(old, old, gates)).toEqual([]);
    expect(validateIngressUpdate(old, ingress, gates)).toHaveLength(1);
  });

  it('checks the status, and warns', () => {
    const status = changed(ingress, { 'status.loadBalancer.ingress': [{ ip: '01.2.3.4' }, { hostname: '1.2.3.4' }] });
    expect(texts(validateIngressStatusUpdate(status, ingress, { strictIP: true }))).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "01.2.3.4": must not have leading 0s',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]);
    const old = changed(ingress, { 'metadata.annotations[kubernetes.io/ingress.class]': 'x' });
    expect(ingressWarnings(old)).toEqual([
      'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
    ]);
  });
});

describe('ingress classes', () => {
  const ingressClass: IngressClass = {
    metadata: { name: 'c' },
    spec: { controller: 'example.com/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace', namespace: 'x' } },
  };

  it.each<Row>([
    [{}, []],
    [{ 'spec.controller': '' }, ['spec.controller: Required value']],
    [
      { 'spec.controller': 'x' },
      ['spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [{ 'spec.parameters.scope': undefined }, ['spec.parameters.scope: Required value']],
    [
      { 'spec.parameters.scope': 'X' },
      ['spec.parameters.scope: Unsupported value: "X": supported values: "Cluster", "Namespace"'],
    ],
    [
      { 'spec.parameters.scope': 'Cluster' },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
    [
      { 'spec.parameters.namespace': undefined },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateIngressClass(changed(ingressClass, changes)))).toEqual(expected);
  });

  it('keep their controller', () => {
    const other = changed(ingressClass, { 'spec.controller': 'example.com/d' });
    expect(texts(validateIngressClassUpdate(other, ingressClass))).toEqual([
      'spec.controller: Invalid value: "example.com/d": field is immutable',
    ]);
  });
});

describe('network policies', () => {
  const policy: NetworkPolicy = {
    metadata,
    spec: {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        {
          ports: [{ protocol: 'TCP', port: 80, endPort: 90 }],
          from: [{ ipBlock: { cidr: '10.0.0.0/16', except: ['10.0.1.0/24'] } }],
        },
      ],
    },
  };
  const port = 'spec.ingress[0].ports[0]';
  const peer = 'spec.ingress[0].from[0]';

  it.each<Row>([
    [{}, []],
    [
      { [`${port}.protocol`]: 'X' },
      [`${port}.protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"`],
    ],
    [{ [`${port}.endPort`]: 79 }, [`${port}.endPort: Invalid value: 79: must be greater than or equal to \`port\``]],
    [
      { [`${port}.port`]: 'http' },
      [`${port}.endPort: Invalid value: 90: may not be specified when \`port\` is non-numeric`],
    ],
    [
      { [`${port}.port`]: undefined },
      [`${port}.endPort: Invalid value: 90: may not be specified when \`port\` is not specified`],
    ],
    [{ [peer]: {} }, [`${peer}: Required value: must specify a peer`]],
    [{ [`${peer}.podSelector`]: {} }, [`${peer}: Forbidden: may not specify both ipBlock and another peer`]],
    [{ [`${peer}.ipBlock.cidr`]: '' }, [`${peer}.ipBlock.cidr: Required value`]],
    [
      { [`${peer}.ipBlock.except[0]`]: '10.1.0.0/24' },
      [`${peer}.ipBlock.except[0]: Invalid value: "10.1.0.0/24": must be a strict subset of \`cidr\``],
    ],
    [
      { 'spec.policyTypes': ['X'] },
      ['spec.policyTypes: Unsupported value: "X": supported values: "Egress", "Ingress"'],
    ],
    [
      { 'spec.podSelector.matchExpressions': [{ key: 'a', operator: 'X' }] },
      ['spec.podSelector.matchExpressions[0].operator: Invalid value: "X": not a valid selector operator'],
    ],
  ])('with %j', (changes, expected) => {
    expect(texts(validateNetworkPolicy(changed(policy, changes), { strictCIDR: true }))).toEqual(expected);
  });

  it('keep old networks', () => {
    const old = changed(policy, { [`${peer}.ipBlock.cidr`]: '10.0.0.1/16' });
    expect(validateNetworkPolicyUpdate(old, old, { strictCIDR: true })).toEqual([]);
    expect(texts(validateNetworkPolicyUpdate(old, policy, { strictCIDR: true }))).toEqual([
      `${peer}.ipBlock.cidr: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length`,
    ]);
  });
});

describe('addresses and service ranges', () => {
  it('have addresses as names', () => {
    expect(validateIPAddressName('10.0.0.1', false)).toEqual([]);
    expect(validateIPAddressName('fd00::1', false)).toEqual([]);
    expect(validateIPAddressName('FD00::1', false)).toEqual(['must be in canonical form ("fd00::1")']);
    expect(validateIPAddressName('x', false)).toEqual([
      'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
  });

  it('refer to someone, for good', () => {
    const address: IPAddress = {
      metadata: { name: '10.0.0.1' },
      spec: { parentRef: { resource: 'services', name: 's' } },
    };
    expect(validateIPAddress(address)).toEqual([]);
    expect(texts(validateIPAddress(changed(address, { spec: undefined })))).toEqual(['spec.parentRef: Required value']);
    expect(texts(validateIPAddress(changed(address, { 'spec.parentRef.name': '' })))).toEqual([
      'spec.parentRef.name: Required value',
    ]);
    expect(texts(validateIPAddressUpdate(changed(address, { 'spec.parentRef.name': 't' }), address))).toEqual([
      'spec.parentRef: Invalid value: {"resource":"services","name":"t"}: field is immutable',
    ]);
  });

  const cidr: ServiceCIDR = { metadata: { name: 'c' }, spec: { cidrs: ['10.0.0.0/24'] } };
  it.each<[string[], string[]]>([
    [['10.0.0.0/24', 'fd00::/64'], []],
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [
      ['10.0.0.0/24', '10.1.0.0/24'],
      [
        'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.1.0.0/24"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      ],
    ],
    [['FD00::/64'], ['spec.cidrs[0]: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")']],
  ])('of %j', (cidrs, expected) => {
    expect(texts(validateServiceCIDR(changed(cidr, { 'spec.cidrs': cidrs })))).toEqual(expected);
  });

  it('may get a second family', () => {
    const update = (cidrs: string[]): string[] =>
      texts(validateServiceCIDRUpdate(changed(cidr, { 'spec.cidrs': cidrs }), cidr));
    expect(update(['10.0.0.0/24', 'fd00::/64'])).toEqual([]);
    expect(update(['10.1.0.0/24'])).toEqual(['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']);
  });
});
