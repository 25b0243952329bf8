/** All extenders, one after the other (`schedule_one.go`, `findNodesThatPassExtenders`, `prioritizeNodes`, `extendersBinding`). */
import type { Log } from '@kubets/apimachinery/log';
import type { Pod } from '@kubets/api/types/core-v1';
import type { Diagnosis } from '../framework/diagnosis.ts';
import type { NodeInfo } from '../framework/node-info.ts';
import { Status } from '../framework/status.ts';
import { maxNodeScore } from '../framework/types.ts';
import { maxExtenderPriority, type HttpExtender } from './http-extender.ts';

export class ExtenderChain {
  readonly extenders: readonly HttpExtender[];
  readonly #log: Log;

  constructor(extenders: readonly HttpExtender[], log: Log) {
    this.extenders = extenders;
    this.#log = log;
  }

  /** Whether any of them filters or scores nodes for the pod. */
  concerns(pod: Readonly<Pod>): boolean {
    return this.extenders.some((one) => (one.filters || one.prioritizes) && one.isInterested(pod));
  }

  /** The nodes that are left; those that are not get a status. Rejects when one cannot be asked that must be. */
  async filter(pod: Readonly<Pod>, nodes: readonly NodeInfo[], diagnosis: Diagnosis): Promise<readonly NodeInfo[]> {
    let left = nodes;
    for (const extender of this.extenders) {
      if (left.length === 0) break;
      if (!extender.filters || !extender.isInterested(pod)) continue;
      try {
        const answer = await extender.filter(pod, left);
        for (const [name, reason] of answer.failed) diagnosis.set(name, Status.unschedulable(reason));
        for (const [name, reason] of answer.unresolvable) diagnosis.set(name, Status.unresolvable(reason));
        left = answer.nodes;
      } catch (error) {
        if (!extender.ignorable) throw error;
        this.#log.info(
          { extender: extender.name, error: String(error) },
          'Skipping extender as it returned error and has ignorable flag set',
        );
      }
    }
    return left;
  }

  /** What they add to the scores, by node; one that fails adds nothing. */
  async prioritize(pod: Readonly<Pod>, nodes: readonly NodeInfo[]): Promise<ReadonlyMap<string, number>> {
    const totals = new Map<string, number>();
    const scale = maxNodeScore / maxExtenderPriority;
    const asked = this.extenders.filter((one) => one.prioritizes && one.isInterested(pod));
    await Promise.all(
      asked.map(async (extender) => {
        try {
          for (const { host, score } of await extender.prioritize(pod, nodes)) {
            totals.set(host, (totals.get(host) ?? 0) + score * extender.weight * scale);
          }
        } catch (error) {
          const fields = { extender: extender.name, error: String(error) };
          this.#log.info(fields, "Failed to run extender's priority function. No score given by this extender.");
        }
      }),
    );
    return totals;
  }

  /** Whether one of them has bound the pod. Rejects when it should have and could not. */
  async bind(pod: Readonly<Pod>, nodeName: string): Promise<boolean> {
    for (const extender of this.extenders) {
      if (!extender.binds || !extender.isInterested(pod)) continue;
      try {
        await extender.bind(pod, nodeName);
        return true;
      } catch (error) {
        if (!extender.ignorable) throw error;
        this.#log.info(
          { extender: extender.name, error: String(error) },
          'Skipping extender in bind as it returned error and has ignorable flag set',
        );
      }
    }
    return false;
  }
}
