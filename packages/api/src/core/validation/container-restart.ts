/**
 * Restart policies and rules, and resize policies, of containers (`pkg/apis/core/validation/validation.go`,
 * `validateContainerRestartPolicy`, `validateInitContainerRestartPolicy`, `validateResizePolicy`).
 */
import type { Container, ContainerRestartRule } from '../../generated/types/core-v1.ts';
import type { PodScope } from './pod-scope.ts';

const policies = ['Always', 'Never', 'OnFailure'];
const operators = ['In', 'NotIn'];
const maxRules = 20;
const maxExitCodes = 255;
const policyMissing = 'must specify restartPolicy when restart rules are used';

function checkRule({ errors, options }: PodScope, rule: ContainerRestartRule, path: string): void {
  const actions = options.allowRestartAllContainers ? ['Restart', 'RestartAllContainers'] : ['Restart'];
  if (!actions.includes(rule.action)) errors.notSupported(`${path}.action`, rule.action, actions);
  if (!rule.exitCodes) return errors.required(`${path}.exitCodes`, 'must be specified');
  const { operator, values } = rule.exitCodes;
  if (!operators.includes(operator)) errors.notSupported(`${path}.exitCodes.operator`, operator, operators);
  if (values && values.length > maxExitCodes) errors.tooMany(`${path}.exitCodes.values`, values.length, maxExitCodes);
}

function checkPolicyAndRules(scope: PodScope, container: Container, path: string): void {
  const { errors } = scope;
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  if (policy === undefined) {
    if (rules.length === 0) return;
    errors.required(`${path}.restartPolicy`, policyMissing);
  } else if (!policies.includes(policy)) errors.notSupported(`${path}.restartPolicy`, policy, policies);
  if (rules.length > maxRules) errors.tooMany(`${path}.restartPolicyRules`, rules.length, maxRules);
  rules.forEach((rule, i) => checkRule(scope, rule, `${path}.restartPolicyRules[${i}]`));
}

export function checkRestartPolicy(scope: PodScope, container: Container, path: string): void {
  if (scope.options.allowRestartRules) checkPolicyAndRules(scope, container, path);
  else if (container.restartPolicy !== undefined) {
    scope.errors.forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers');
  }
}

export function checkInitRestartPolicy(scope: PodScope, container: Container, path: string): void {
  const { errors, options } = scope;
  const { restartPolicy: policy, restartPolicyRules: rules = [] } = container;
  if (policy === undefined) {
    if (rules.length > 0) errors.required(`${path}.restartPolicy`, policyMissing);
  } else if (!options.allowRestartRules) {
    if (policy !== 'Always') errors.notSupported(`${path}.restartPolicy`, policy, ['Always']);
  } else if (policy !== 'Always' || options.allowRestartAllContainers) {
    checkPolicyAndRules(scope, container, path);
  } else if (rules.length > 0) {
    const detail = 'restartPolicyRules are not allowed for init containers with restart policy Always';
    errors.forbidden(`${path}.restartPolicyRules`, detail);
  }
}

const resizable = ['cpu', 'memory'];
const resizePolicies = ['NotRequired', 'RestartContainer'];

/** Errors point at the list, but for repeats: upstream's paths. */
export function checkResizePolicy({ errors, restartPolicy }: PodScope, container: Container, path: string): void {
  const seen = new Set<string>();
  (container.resizePolicy ?? []).forEach((policy, i) => {
    const { resourceName, restartPolicy: action } = policy;
    if (seen.has(resourceName)) errors.duplicate(`${path}[${i}]`, resourceName);
    seen.add(resourceName);
    if (!resourceName) errors.required(path);
    else if (!resizable.includes(resourceName)) errors.notSupported(path, resourceName, resizable);
    if (!action) errors.required(path);
    else if (!resizePolicies.includes(action)) errors.notSupported(path, action, resizePolicies);
    if (restartPolicy === 'Never' && action !== 'NotRequired') {
      errors.invalid(path, action, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  });
}
