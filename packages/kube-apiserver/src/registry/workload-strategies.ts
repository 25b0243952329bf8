/** Strategies of the kinds that run work, by `group/resource` (the core group is empty: `/pods`). */
import { controllerRevisionStrategy } from './apps/controller-revision-strategy.ts';
import { daemonSetStrategy } from './apps/daemon-set-strategy.ts';
import { deploymentStrategy } from './apps/deployment-strategy.ts';
import { replicaSetStrategy } from './apps/replica-set-strategy.ts';
import { statefulSetStrategy } from './apps/stateful-set-strategy.ts';
import { horizontalPodAutoscalerStrategy } from './autoscaling/horizontal-pod-autoscaler-strategy.ts';
import { cronJobStrategy } from './batch/cron-job-strategy.ts';
import { jobStrategy } from './batch/job-strategy.ts';
import { podStrategy } from './core/pod/pod-strategy.ts';
import { podTemplateStrategy } from './core/podtemplate/pod-template-strategy.ts';
import { replicationControllerStrategy } from './core/replicationcontroller/replication-controller-strategy.ts';
import { podDisruptionBudgetStrategy } from './policy/pod-disruption-budget-strategy.ts';
import type { Strategy } from './strategy.ts';

export const workloadStrategies: Readonly<Record<string, Strategy>> = {
  '/pods': podStrategy as Strategy,
  '/podtemplates': podTemplateStrategy as Strategy,
  '/replicationcontrollers': replicationControllerStrategy as Strategy,
  'apps/controllerrevisions': controllerRevisionStrategy as Strategy,
  'apps/daemonsets': daemonSetStrategy as Strategy,
  'apps/deployments': deploymentStrategy as Strategy,
  'apps/replicasets': replicaSetStrategy as Strategy,
  'apps/statefulsets': statefulSetStrategy as Strategy,
  'autoscaling/horizontalpodautoscalers': horizontalPodAutoscalerStrategy as Strategy,
  'batch/cronjobs': cronJobStrategy as Strategy,
  'batch/jobs': jobStrategy as Strategy,
  'policy/poddisruptionbudgets': podDisruptionBudgetStrategy as Strategy,
};
