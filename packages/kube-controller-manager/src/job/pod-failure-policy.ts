/** What a Job's failure policy says about a failed pod (upstream `pkg/controller/job/pod_failure_policy.go`). */
import type {
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from '@kubets/api/types/batch-v1';
import type { ContainerStatus, Pod } from '@kubets/api/types/core-v1';

export interface PodFailure {
  /** Towards the back-off limits. */
  readonly counts: boolean;
  /** Of the rule that matched. */
  readonly action?: PodFailurePolicyRule['action'];
  /** Why the whole Job fails; only with the action FailJob. */
  readonly message?: string;
}

const counted: PodFailure = { counts: true };

/** The first rule that matches decides; without one the failure counts (`matchPodFailurePolicy`). */
export function podFailure(policy: Readonly<PodFailurePolicy> | undefined, pod: Readonly<Pod>): PodFailure {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const what = matched(rule, pod);
    if (what === undefined) continue;
    const { action } = rule;
    if (action === 'Ignore') return { counts: false, action };
    if (action === 'FailJob')
      return { counts: true, action, message: `${what} matching ${action} rule at index ${index}` };
    return { counts: true, action };
  }
  return counted;
}

/** What of the pod matches, in words. */
function matched(rule: Readonly<PodFailurePolicyRule>, pod: Readonly<Pod>): string | undefined {
  const { namespace, name } = pod.metadata;
  if (rule.onExitCodes !== undefined) {
    const container = matchExitCodes(pod, rule.onExitCodes);
    const code = container?.state?.terminated?.exitCode;
    return container && `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${code}`;
  }
  const condition = matchConditions(pod, rule.onPodConditions ?? []);
  return condition && `Pod ${namespace}/${name} has condition ${condition}`;
}

function matchExitCodes(
  pod: Readonly<Pod>,
  requirement: Readonly<PodFailurePolicyOnExitCodesRequirement>,
): Readonly<ContainerStatus> | undefined {
  const { containerName, operator, values } = requirement;
  const matches = (status: ContainerStatus): boolean => {
    const code = status.state?.terminated?.exitCode;
    if (code === undefined || code === 0) return false;
    if (containerName !== undefined && containerName !== status.name) return false;
    return values.includes(code) === (operator === 'In');
  };
  return pod.status?.containerStatuses?.find(matches) ?? pod.status?.initContainerStatuses?.find(matches);
}

function matchConditions(
  pod: Readonly<Pod>,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
): string | undefined {
  return pod.status?.conditions?.find(({ type, status }) =>
    patterns.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  )?.type;
}
