/** The kinds of networking.k8s.io (`pkg/registry/networking/<resource>/strategy.go`). */
import {
  ingressWarnings,
  validateIngress,
  validateIngressStatusUpdate,
  validateIngressUpdate,
} from '@kubets/api/networking/validation/ingress';
import { validateIngressClass, validateIngressClassUpdate } from '@kubets/api/networking/validation/ingress-class';
import {
  validateIPAddress,
  validateIPAddressName,
  validateIPAddressUpdate,
} from '@kubets/api/networking/validation/ip-address';
import {
  networkPolicyWarnings,
  validateNetworkPolicy,
  validateNetworkPolicyUpdate,
} from '@kubets/api/networking/validation/network-policy';
import { validateServiceCIDR, validateServiceCIDRUpdate } from '@kubets/api/networking/validation/service-cidr';
import type { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '@kubets/api/types/networking-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy, StrategyContext } from '../strategy.ts';

const isStrict = (context: StrategyContext): boolean => context.featureEnabled('StrictIPCIDRValidation');
const gates = (context: StrategyContext): { relaxedServiceNames: boolean } => ({
  relaxedServiceNames: context.featureEnabled('RelaxedServiceNameValidation'),
});

const ingressStrategy: Strategy<Ingress> = baseStrategy<Ingress>({
  generation: true,
  status: { loadBalancer: {} },
  validate: (context, ingress) => validateIngress(ingress, gates(context)),
  validateUpdate: (context, ingress, old) => validateIngressUpdate(ingress, old, gates(context)),
  warningsOnCreate: (_context, ingress) => ingressWarnings(ingress),
  subresources: {
    status: statusUpdateStrategy<Ingress>({
      validateUpdate: (context, ingress, old) =>
        validateIngressStatusUpdate(ingress, old, { strictIP: isStrict(context) }),
    }),
  },
});

const ingressClassStrategy: Strategy<IngressClass> = baseStrategy<IngressClass>({
  generation: true,
  validate: (_context, ingressClass) => validateIngressClass(ingressClass),
  validateUpdate: (_context, ingressClass, old) => validateIngressClassUpdate(ingressClass, old),
});

const networkPolicyStrategy: Strategy<NetworkPolicy> = baseStrategy<NetworkPolicy>({
  generation: true,
  validate: (context, policy) => validateNetworkPolicy(policy, { strictCIDR: isStrict(context) }),
  validateUpdate: (context, policy, old) => validateNetworkPolicyUpdate(policy, old, { strictCIDR: isStrict(context) }),
  warningsOnCreate: (_context, policy) => networkPolicyWarnings(policy),
  warningsOnUpdate: (_context, policy) => networkPolicyWarnings(policy),
});

const ipAddressStrategy: Strategy<IPAddress> = baseStrategy<IPAddress>({
  validateName: validateIPAddressName,
  validate: (_context, address) => validateIPAddress(address),
  validateUpdate: (_context, address, old) => validateIPAddressUpdate(address, old),
});

const serviceCIDRStrategy: Strategy<ServiceCIDR> = baseStrategy<ServiceCIDR>({
  status: {},
  validate: (_context, cidr) => validateServiceCIDR(cidr),
  validateUpdate: (_context, cidr, old) => validateServiceCIDRUpdate(cidr, old),
});

export const networkingStrategies: Readonly<Record<string, Strategy>> = {
  'networking.k8s.io/ingressclasses': ingressClassStrategy as Strategy,
  'networking.k8s.io/ingresses': ingressStrategy as Strategy,
  'networking.k8s.io/ipaddresses': ipAddressStrategy as Strategy,
  'networking.k8s.io/networkpolicies': networkPolicyStrategy as Strategy,
  'networking.k8s.io/servicecidrs': serviceCIDRStrategy as Strategy,
};
