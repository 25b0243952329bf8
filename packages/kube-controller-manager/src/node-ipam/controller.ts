/**
 * The node IPAM controller: gives every node its part of the cluster's pod networks (upstream
 * `cmd/kube-controller-manager/app/core.go`, `startNodeIpamController`, and `pkg/controller/nodeipam`).
 */
import { labelText } from '@kubets/apimachinery/metrics';
import { isNotFound } from '@kubets/apimachinery/status';
import { eachInTurns, turnsOf } from '@kubets/apimachinery/turns';
import { isIPv6 } from '@kubets/apimachinery/validation-ip';
import type { Node } from '@kubets/api/types/core-v1';
import { keyOf, type SharedInformer, type WorkQueue } from '@kubets/client';
import * as resources from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import type { ControllerManagerOptions } from '../options.ts';
import { messageOf } from '../lib/pod-control.ts';
import { reconciler } from '../lib/reconciler.ts';
import { requireCIDR, type CidrSet } from './cidr-set.ts';
import { RangeAllocator, type RangeAllocatorOptions } from './range-allocator.ts';

const workers = 10;

/**
 * What the flags mean. Throws as upstream does when there is no network, more than two, or two of one family.
 */
export function allocatorOptions(
  options: Pick<
    ControllerManagerOptions,
    'clusterCidrs' | 'serviceClusterIpRanges' | 'nodeCidrMaskSizeIpv4' | 'nodeCidrMaskSizeIpv6'
  >,
): RangeAllocatorOptions {
  const { clusterCidrs, serviceClusterIpRanges: serviceRanges } = options;
  if (clusterCidrs.length === 0) throw new Error('--allocate-node-cidrs needs a --cluster-cidr');
  const six = clusterCidrs.map((cidr) => isIPv6(requireCIDR(cidr).network));
  if (clusterCidrs.length > 2) {
    throw new Error(`length of clusterCIDRs is:${clusterCidrs.length} more than max allowed of 2`);
  }
  if (clusterCidrs.length === 2 && six[0] === six[1]) {
    throw new Error(
      `len of ClusterCIDRs==${clusterCidrs.length} and they are not configured as dual stack (at least one from each IPFamily)`,
    );
  }
  for (const range of serviceRanges) requireCIDR(range);
  const maskSizes = six.map((is) => (is ? options.nodeCidrMaskSizeIpv6 : options.nodeCidrMaskSizeIpv4));
  return { clusterCidrs, serviceRanges, maskSizes };
}

class NodeIpamController {
  readonly #context: ControllerContext;
  readonly #nodes: SharedInformer<Node>;
  readonly #queue: WorkQueue<string>;
  readonly #allocator: RangeAllocator;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#nodes = context.informers.informer(resources.nodes);
    this.#queue = context.queue('cidrallocator_node');
    this.#allocator = this.#makeAllocator();
    this.#nodes.addEventHandler({
      onAdd: (node) => this.#queue.add(keyOf(node)),
      onUpdate: (_, node) => {
        if (this.#needsLook(node)) this.#queue.add(keyOf(node));
      },
      onDelete: (node) => {
        // Another node of that name may be there already: then the queue sees to it.
        if (this.#nodes.store.get(keyOf(node)) === undefined) this.#allocator.release(keyOf(node));
      },
    });
  }

  controller(): Controller {
    const inner = reconciler(this.#context, {
      queue: this.#queue,
      informers: [this.#nodes],
      workers,
      reconcile: (name) => this.#reconcile(name),
    });
    return {
      run: async (signal) => {
        await this.#nodes.waitForSync(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        // Before the first subnet is given out all that nodes have must be known.
        const turns = turnsOf(this.#context.clock);
        await eachInTurns(turns, this.#nodes.store.list(), (node) => void this.#occupy(node));
        await inner.run(signal);
      },
    };
  }

  #makeAllocator(): RangeAllocator {
    const { metrics, options } = this.#context;
    const name = (rest: string): string => `node_ipam_controller_${rest}`;
    const allocations = metrics.counter(
      name('cidrset_cidrs_allocations_total'),
      'Counter measuring total number of CIDR allocations.',
    );
    const releases = metrics.counter(
      name('cidrset_cidrs_releases_total'),
      'Counter measuring total number of CIDR releases.',
    );
    const tries = metrics.histogram(
      name('cidrset_allocation_tries_per_request'),
      'Number of endpoints added on each Service sync',
      [1, 5, 25, 125, 625],
    );
    const label = (set: CidrSet): string => labelText({ clusterCIDR: set.network });
    const allocator = new RangeAllocator({
      ...allocatorOptions(options),
      onAllocated: (set, count) => {
        allocations.add(1, label(set));
        tries.observe(count, label(set));
      },
      onReleased: (set, count) => releases.add(count, label(set)),
    });
    const gauge = (rest: string, help: string, read: (set: CidrSet) => number): void => {
      metrics.collected({ name: name(rest), help, type: 'gauge' }, () =>
        allocator.sets.map((set) => [label(set), read(set)]),
      );
    };
    gauge('cidrset_usage_cidrs', 'Gauge measuring percentage of allocated CIDRs.', (set) => set.used / set.size);
    gauge('cirdset_max_cidrs', 'Maximum number of CIDRs that can be allocated.', (set) => set.size);
    return allocator;
  }

  #needsLook(node: Readonly<Node>): boolean {
    const cidrs = node.spec?.podCIDRs ?? [];
    return cidrs.length === 0 || this.#allocator.of(keyOf(node))?.join() !== cidrs.join();
  }

  /** Whether the node has subnets. */
  #occupy(node: Readonly<Node>): boolean {
    const cidrs = node.spec?.podCIDRs ?? [];
    if (cidrs.length === 0) return false;
    try {
      this.#allocator.occupy(keyOf(node), cidrs);
    } catch (error) {
      // Somebody else's idea, or the cluster's networks have changed: nothing that trying again would mend.
      const { log, name: controller } = this.#context;
      log.error({ controller, node: keyOf(node), error: messageOf(error) }, 'the pod CIDRs of a node are not ours');
    }
    return true;
  }

  async #reconcile(name: string): Promise<void> {
    const node = this.#nodes.store.get(name);
    if (node === undefined) return this.#allocator.release(name);
    if (node.metadata.deletionTimestamp !== undefined || this.#occupy(node)) return;
    const podCIDRs = [...this.#allocate(node)];
    const body = { spec: { podCIDR: podCIDRs[0], podCIDRs } };
    try {
      await this.#context.client.nodes().patch(name, { type: 'application/strategic-merge-patch+json', body });
    } catch (error) {
      // What was meant for the node stays so: the request may have got through.
      if (isNotFound(error)) return this.#allocator.release(name);
      this.#say(node, 'CIDRAssignmentFailed');
      throw error;
    }
  }

  #allocate(node: Readonly<Node>): readonly string[] {
    try {
      return this.#allocator.allocate(keyOf(node));
    } catch (error) {
      this.#say(node, 'CIDRNotAvailable');
      throw error;
    }
  }

  #say(node: Readonly<Node>, reason: string): void {
    const { name = '', uid = '' } = node.metadata;
    const about = { kind: 'Node', name, uid, apiVersion: 'v1' };
    this.#context.events.event(about, 'Normal', reason, `Node ${name} status is now: ${reason}`);
  }
}

export const nodeIpamController: ControllerDescriptor = {
  name: 'node-ipam-controller',
  eventSource: 'cidrAllocator',
  create(context) {
    return context.options.allocateNodeCidrs ? new NodeIpamController(context).controller() : undefined;
  },
};
