import { describe, expect, it } from 'vitest';
import type { Service } from '../../generated/types/core-v1.ts';
import { changed, texts } from './resource-names-testing.ts';
import { validateServiceStatusUpdate } from './service-load-balancer.ts';
import { validateService } from './service.ts';
import { validateServiceUpdate } from './service-update.ts';
import { serviceWarnings } from './service-warnings.ts';

const service: Service = {
  metadata: { name: 's', namespace: 'default' },
  spec: {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    selector: { a: 'b' },
    clusterIP: '10.0.0.1',
    clusterIPs: ['10.0.0.1'],
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    internalTrafficPolicy: 'Cluster',
  },
};
const balancer = changed(service, {
  'spec.type': 'LoadBalancer',
  'spec.allocateLoadBalancerNodePorts': true,
  'spec.externalTrafficPolicy': 'Cluster',
});
const external: Service = {
  metadata: { name: 's' },
  spec: { type: 'ExternalName', externalName: 'example.com.', sessionAffinity: 'None' },
};
const options = { strictIP: true };
type Row = [Record<string, unknown>, string[]];

describe('services', () => {
  it('accepts valid ones', () => {
    for (const valid of [service, balancer, external]) {
      expect(texts(validateService(valid, options))).toEqual([]);
      expect(texts(validateServiceUpdate(valid, valid, options))).toEqual([]);
    }
  });

  it.each<Row>([
    [{ 'spec.ports': [] }, ['spec.ports: Required value']],
    [{ 'spec.ports[0].port': 0 }, ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive']],
    [
      { 'spec.ports[0].protocol': 'X' },
      ['spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      { 'spec.ports[0].targetPort': '80' },
      ['spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)'],
    ],
    [{ 'spec.ports[0].name': 'a.b' }, ['spec.ports[0].name: Invalid value: "a.b": must not contain dots']],
    [
      { 'spec.ports[1]': { port: 81, protocol: 'TCP', targetPort: 81 } },
      ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
    ],
    [
      { 'spec.ports[0].name': 'a', 'spec.ports[1]': { name: 'a', port: 80, protocol: 'TCP', targetPort: 81 } },
      [
        'spec.ports[1].name: Duplicate value: "a"',
        'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80,"targetPort":0}',
      ],
    ],
    [
      { 'spec.ports[0].nodePort': 30_000 },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [{ 'spec.sessionAffinity': '' }, ['spec.sessionAffinity: Required value']],
    [
      { 'spec.sessionAffinity': 'X' },
      ['spec.sessionAffinity: Unsupported value: "X": supported values: "ClientIP", "None"'],
    ],
    [
      { 'spec.sessionAffinity': 'ClientIP' },
      ['spec.sessionAffinityConfig: Required value: when session affinity type is ClientIP'],
    ],
    [
      { 'spec.sessionAffinity': 'ClientIP', 'spec.sessionAffinityConfig.clientIP.timeoutSeconds': 86_401 },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
      ],
    ],
    [
      { 'spec.sessionAffinityConfig': {} },
      ['spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None'],
    ],
    [
      { 'spec.clusterIPs': ['10.0.0.2'] },
      ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`'],
    ],
    [
      { 'spec.clusterIP': '' },
      ['spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified'],
    ],
    [
      { 'spec.clusterIP': 'x', 'spec.clusterIPs': ['x'] },
      ['spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      { 'spec.clusterIPs[1]': '10.0.0.2' },
      ['spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family'],
    ],
    [
      { 'spec.ipFamilies': ['IPv6'] },
      ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
    ],
    [{ 'spec.ipFamilies[1]': 'IPv4' }, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
    [
      { 'spec.ipFamilies': ['IPv5'] },
      ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
    ],
    [
      { 'spec.ipFamilyPolicy': 'X' },
      [
        'spec.ipFamilyPolicy: Unsupported value: "X": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
      ],
    ],
    [
      { 'spec.externalIPs': ['127.0.0.1'], 'spec.externalTrafficPolicy': 'Cluster' },
      ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ],
    [
      { 'spec.loadBalancerSourceRanges': ['10.0.0.0'] },
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      { 'spec.allocateLoadBalancerNodePorts': true },
      ["spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    [
      { 'spec.loadBalancerClass': 'a/b' },
      ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ],
    [
      { 'spec.externalTrafficPolicy': 'Local' },
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      { 'spec.healthCheckNodePort': 30_000 },
      [
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    [{ 'spec.internalTrafficPolicy': undefined }, ['spec.internalTrafficPolicy: Required value']],
    [
      { 'spec.trafficDistribution': 'X' },
      [
        'spec.trafficDistribution: Unsupported value: "X": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
      ],
    ],
  ])('refuses %j', (changes, expected) => {
    expect(texts(validateService(changed(service, changes), options))).toEqual(expected);
  });

  it.each<Row>([
    [{ 'spec.allocateLoadBalancerNodePorts': undefined }, ['allocateLoadBalancerNodePorts: Required value']],
    [{ 'spec.externalTrafficPolicy': undefined }, ['spec.externalTrafficPolicy: Required value']],
    [{ 'spec.externalTrafficPolicy': 'Local' }, ['spec.healthCheckNodePort: Required value']],
    [
      { 'spec.clusterIP': 'None', 'spec.clusterIPs': ['None'] },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
    ],
  ])('refuses a load balancer with %j', (changes, expected) => {
    expect(texts(validateService(changed(balancer, changes), options))).toEqual(expected);
  });

  it.each<Row>([
    [{ 'spec.externalName': '' }, ['spec.externalName: Required value']],
    [{ 'spec.clusterIPs': ['1.2.3.4'] }, ['spec.clusterIPs: Forbidden: may not be set for ExternalName services']],
    [{ 'spec.ipFamilies': ['IPv4'] }, ['spec.ipFamilies: Forbidden: may not be set for ExternalName services']],
  ])('refuses an external name with %j', (changes, expected) => {
    expect(texts(validateService(changed(external, changes), options))).toEqual(expected);
  });

  it.each<Row>([
    [
      { 'spec.clusterIP': '10.0.0.2', 'spec.clusterIPs': ['10.0.0.2'] },
      ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
    ],
    [
      { 'spec.clusterIP': '', 'spec.clusterIPs': [] },
      ['spec.clusterIPs[0]: Invalid value: []: primary clusterIP can not be unset'],
    ],
    [
      { 'spec.ipFamilies': ['IPv6'], 'spec.clusterIPs': ['10.0.0.1'] },
      [
        'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
        'spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
    ],
  ])('refuses to change to %j', (changes, expected) => {
    expect(texts(validateServiceUpdate(changed(service, changes), service, options))).toEqual(expected);
  });

  it('keeps what a load balancer was made with', () => {
    const local = changed(balancer, { 'spec.externalTrafficPolicy': 'Local', 'spec.healthCheckNodePort': 30_000 });
    const moved = changed(local, { 'spec.healthCheckNodePort': 30_001, 'spec.loadBalancerClass': 'a/b' });
    expect(texts(validateServiceUpdate(moved, local, options))).toEqual([
      'spec.loadBalancerClass: Invalid value: "a/b": may not change once set',
      'spec.healthCheckNodePort: Forbidden: field is immutable',
    ]);
  });

  it('checks the status', () => {
    const ingress = [{ ip: '1.2.3.4' }, { hostname: '1.2.3.4', ipMode: 'VIP' }, { ip: '1.2.3.4', ipMode: 'X' }];
    const rules = { strictIP: true, allowOnOtherTypes: false };
    const path = 'status.loadBalancer.ingress';
    expect(texts(validateServiceStatusUpdate(changed(balancer, { [path]: ingress }), balancer, rules))).toEqual([
      `${path}[0].ipMode: Required value: must be specified when \`ip\` is set`,
      `${path}[1].ipMode: Forbidden: may not be specified when \`ip\` is not set`,
      `${path}[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address`,
      `${path}[2].ipMode: Unsupported value: "X": supported values: "Proxy", "VIP"`,
    ]);
    expect(texts(validateServiceStatusUpdate(changed(service, { [path]: ingress }), service, rules))).toEqual([
      `${path}: Forbidden: may only be used when \`spec.type\` is 'LoadBalancer'`,
    ]);
  });

  it('warns', () => {
    const headless = changed(service, {
      'spec.clusterIP': 'None',
      'spec.clusterIPs': ['None'],
      'spec.loadBalancerIP': '1.2.3.4',
      'spec.sessionAffinity': 'ClientIP',
    });
    expect(serviceWarnings(headless)).toEqual([
      'spec.loadBalancerIP is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
    ]);
    expect(serviceWarnings(service)).toEqual([]);
  });
});
