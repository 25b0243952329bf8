/** `--simulate-nodes`: nodes without machines. */
import { readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { kubernetesVersion, type ApiServer, type Log } from '@kubets/kube-apiserver';
import type { NodeShape, Stage } from '@kubets/kubelet';
import { UserError } from '../user-error.ts';
import { nodeUser, simulationUser } from './identities.ts';

/** What the flags say of them. */
export interface SimulationOptions {
  readonly count: number;
  readonly capacity: Readonly<Record<string, string>>;
  readonly taint: NodeShape['taint'];
  readonly zones: number;
  /** Path of `--simulated-stages`. */
  readonly stagesFile: string | undefined;
}

/** The rules of a file; undefined: the default ones. Throws a {@link UserError} that says where the file is wrong. */
export async function readStagesFile(path: string | undefined): Promise<readonly Stage[]> {
  const { parseStages, readStages } = await import('@kubets/kubelet');
  if (path === undefined) return readStages(undefined);
  try {
    return parseStages(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UserError(`--simulated-stages: ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Resolves when the nodes are registered, or the signal was aborted before. */
export async function startSimulation(
  options: SimulationOptions,
  {
    server,
    log,
    stages,
    signal,
  }: {
    readonly server: ApiServer;
    readonly log: Log;
    readonly stages: readonly Stage[];
    readonly signal: AbortSignal;
  },
): Promise<AsyncDisposable> {
  const { SimulatedNodes } = await import('@kubets/kubelet');
  const { count, capacity, taint, zones } = options;
  const nodes = new SimulatedNodes({
    count,
    shape: { kubernetesVersion: `v${kubernetesVersion}`, capacity, taint, zones },
    stages,
    clock: systemClock,
    random: systemRandom,
    log,
    transport: server.transport(simulationUser, 'kubelet'),
    transportFor: (name) => server.transport(nodeUser(name), 'kubelet'),
  });
  try {
    await nodes.start(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return nodes;
}
