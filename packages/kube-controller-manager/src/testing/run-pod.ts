/** Pods as kubelets report them, in tests. */
import type { Pod } from '@kubets/api/types/core-v1';
import type { KubeClient } from '@kubets/client';

export interface RunPodOptions {
  readonly name: string;
  /** Default: none. */
  readonly ip?: string;
  readonly labels?: Record<string, string>;
  /** Default `node`. */
  readonly nodeName?: string;
  readonly spec?: object;
  /** Default true. */
  readonly ready?: boolean;
}

/** Makes a pod in the namespace `default` that runs on a node, as the API server has it then. */
export async function runPod(client: KubeClient, options: RunPodOptions): Promise<Readonly<Pod>> {
  const { name, ip, labels = {}, nodeName = 'node', ready = true } = options;
  await client.pods('default').create({
    metadata: { name, labels },
    spec: { nodeName, containers: [{ name: 'c', image: 'i' }], ...options.spec },
  } as Pod);
  const addresses = ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] };
  const condition = { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' };
  // A patch: a controller under test may have changed the pod already.
  const body = { status: { phase: 'Running', ...addresses, conditions: [condition] } };
  const patch = { type: 'application/strategic-merge-patch+json', body, subresource: 'status' } as const;
  return await client.pods('default').patch(name, patch);
}
