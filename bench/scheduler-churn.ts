/** What goes on in a cluster while pods are measured (scheduler_perf's `churn` and `deletePods`). */
import type { SchedulerCluster } from './scheduler-cluster.ts';
import { highPriority, impossible, podOf, type Scale, type Shape } from './scheduler-shapes.ts';

/** Runs until disposed of. */
export function startChurn(cluster: SchedulerCluster, shape: Shape, scale: Scale): Disposable {
  const { churn } = shape;
  if (churn === undefined) return { [Symbol.dispose]: () => undefined };
  let i = 0;
  const step = (): void => {
    void steps[churn](cluster, i++, scale).catch((error: unknown) => {
      process.stderr.write(`churn: ${String(error)}\n`);
    });
  };
  const timer = setInterval(step, intervals[churn]);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

type Churn = NonNullable<Shape['churn']>;

const intervals: Readonly<Record<Churn, number>> = {
  'high-priority': 200,
  unschedulable: 200,
  mixed: 1000,
  deletes: 20,
};

const steps: Readonly<Record<Churn, (cluster: SchedulerCluster, i: number, scale: Scale) => Promise<void>>> = {
  'high-priority': (cluster, i) => cluster.addPod(highPriority, `churn-${i}`),
  unschedulable: (cluster, i) => cluster.addPod(impossible, `churn-${i}`),
  mixed: recreate,
  deletes: async (cluster, i, { pods }) => {
    if (i < pods) await cluster.client.pods('deleting').delete(`initial-1-${i}`, { gracePeriodSeconds: 0 });
  },
};

/** A node, a pod and a service come, and those before them go. */
async function recreate({ client }: SchedulerCluster, i: number): Promise<void> {
  const name = `churn-${i}`;
  const last = `churn-${i - 1}`;
  if (i > 0) {
    await client.nodes().delete(last);
    await client.pods('default').delete(last, { gracePeriodSeconds: 0 });
    await client.services('default').delete(last);
  }
  const amounts = { pods: '0' };
  await client.nodes().create({ kind: 'Node', apiVersion: 'v1', metadata: { name }, status: { capacity: amounts } });
  await client.pods('default').create(podOf(impossible, name));
  const spec = { selector: { app: 'foo' }, ports: [{ protocol: 'TCP' as const, port: 8080, targetPort: 8080 }] };
  await client.services('default').create({ kind: 'Service', apiVersion: 'v1', metadata: { name }, spec });
}
