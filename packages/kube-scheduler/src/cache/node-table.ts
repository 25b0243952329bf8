/**
 * All nodes in rows: {@link NodeInfo}s for plugins, and columns of numbers for the passes that look at every node
 * (`pkg/scheduler/backend/cache/{cache,snapshot}.go` hold a list and a map of NodeInfos).
 *
 * Upstream copies what changed into a snapshot before each attempt, as other threads go on changing the cache. Here an attempt
 * is not interrupted, so the table is its own snapshot. Views that keep something per row (a class of equal pods and the nodes
 * it fits) remember `sequence` and ask for the rows changed since: the generations of upstream's NodeInfos.
 */
import type { Node } from '@kubets/api/types/core-v1';
import { ImageCounts } from './image-counts.ts';
import { NodeInfo } from '../framework/node-info.ts';
import type { PodInfo } from '../framework/pod-info.ts';
import { TopologyColumn } from './topology-column.ts';

const logSize = 1 << 13;
const logMask = logSize - 1;

/** Amounts by row, in the units of `Resource`. */
export interface Columns {
  allocatableCpu: Float64Array;
  allocatableMemory: Float64Array;
  allocatableStorage: Float64Array;
  allocatablePods: Float64Array;
  requestedCpu: Float64Array;
  requestedMemory: Float64Array;
  requestedStorage: Float64Array;
  /** With defaults for pods that do not say. */
  nonZeroCpu: Float64Array;
  nonZeroMemory: Float64Array;
  pods: Float64Array;
}

const columnNames: readonly (keyof Columns)[] = [
  'allocatableCpu',
  'allocatableMemory',
  'allocatableStorage',
  'allocatablePods',
  'requestedCpu',
  'requestedMemory',
  'requestedStorage',
  'nonZeroCpu',
  'nonZeroMemory',
  'pods',
];

const newColumns = (capacity: number): Columns => ({
  allocatableCpu: new Float64Array(capacity),
  allocatableMemory: new Float64Array(capacity),
  allocatableStorage: new Float64Array(capacity),
  allocatablePods: new Float64Array(capacity),
  requestedCpu: new Float64Array(capacity),
  requestedMemory: new Float64Array(capacity),
  requestedStorage: new Float64Array(capacity),
  nonZeroCpu: new Float64Array(capacity),
  nonZeroMemory: new Float64Array(capacity),
  pods: new Float64Array(capacity),
});

/** What filters and scores read of a node object; heartbeats leave it as it is. */
function staticText({ metadata, spec, status }: Readonly<Node>): string {
  const features = status?.declaredFeatures;
  return JSON.stringify([
    metadata.labels,
    spec?.taints,
    spec?.unschedulable,
    status?.allocatable,
    status?.images,
    features,
  ]);
}

export class NodeTable {
  /** By row; undefined: the row is free. */
  readonly infos: (NodeInfo | undefined)[] = [];
  /** 1 where the row has a node (not only pods that say they are on it). */
  present: Uint8Array;
  columns: Columns;
  readonly images = new ImageCounts();
  /** Grows with each change of any row. */
  sequence = 0;
  /** Grows with each change of a node object that filters and scores can see, and with each node that comes or goes. */
  nodesVersion = 0;
  /** By row: `nodesVersion` of its last such change. */
  rowVersion: Float64Array;
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #log = new Int32Array(logSize);
  readonly #topologies = new Map<string, TopologyColumn>();
  readonly #texts: string[] = [];
  #size = 0;
  #list: readonly NodeInfo[] | undefined;

  constructor(capacity = 64) {
    this.present = new Uint8Array(capacity);
    this.columns = newColumns(capacity);
    this.rowVersion = new Float64Array(capacity);
  }

  /** Rows there can be without growing; arrays by row are of this length. */
  get capacity(): number {
    return this.present.length;
  }

  /** Rows in use are below. */
  get limit(): number {
    return this.infos.length;
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#size;
  }

  /** All nodes, in the order of their rows. */
  list(): readonly NodeInfo[] {
    this.#list ??= this.infos.filter((info): info is NodeInfo => info?.node !== undefined);
    return this.#list;
  }

  row(name: string): number | undefined {
    return this.#rows.get(name);
  }

  /** Undefined when there is no such node, even if pods say they are on it. */
  get(name: string): NodeInfo | undefined {
    const info = this.infoOf(name);
    return info?.node === undefined ? undefined : info;
  }

  /** Also of a node of which nothing but pods is known. */
  infoOf(name: string): NodeInfo | undefined {
    const row = this.#rows.get(name);
    return row === undefined ? undefined : this.infos[row];
  }

  /** The column of a label; made, and kept up to date from then on, when it is first asked for. */
  topology(key: string): TopologyColumn {
    let column = this.#topologies.get(key);
    if (column === undefined) {
      column = new TopologyColumn(key, this.capacity);
      this.#topologies.set(key, column);
      for (const info of this.list()) column.set(info.row, info.node?.metadata.labels?.[key]);
    }
    return column;
  }

  /** Adds or replaces a node. Answers whether filters and scores can see a difference. */
  setNode(node: Readonly<Node>): boolean {
    const info = this.#claim(node.metadata.name ?? '');
    const { row } = info;
    const text = staticText(node);
    const isNew = info.node === undefined;
    if (!isNew && this.#texts[row] === text) {
      info.node = node;
      return false;
    }
    this.images.replace(info.node, node);
    info.setNode(node);
    this.#texts[row] = text;
    if (isNew) {
      this.#size++;
      this.#list = undefined;
    }
    this.present[row] = 1;
    this.#fillAllocatable(info);
    for (const column of this.#topologies.values()) column.set(row, node.metadata.labels?.[column.key]);
    this.#nodeChanged(row);
    return true;
  }

  /** The row goes when no pod is on it (any more). */
  removeNode(name: string): void {
    const info = this.infoOf(name);
    if (info?.node === undefined) return;
    const { row } = info;
    this.images.replace(info.node, undefined);
    info.node = undefined;
    this.present[row] = 0;
    this.#texts[row] = '';
    this.#size--;
    this.#list = undefined;
    for (const column of this.#topologies.values()) column.set(row, undefined);
    this.#nodeChanged(row);
    this.#freeIfEmpty(info);
  }

  addPod(pod: PodInfo, name: string): NodeInfo {
    const info = this.#claim(name);
    info.addPod(pod);
    this.#fillRequested(info);
    return info;
  }

  removePod(pod: PodInfo, name: string): void {
    const info = this.infoOf(name);
    if (info?.removePod(pod) === undefined) return;
    this.#fillRequested(info);
    this.#freeIfEmpty(info);
  }

  /**
   * Calls back for each row changed after `sequence`; a row may come more than once. Answers false, without any call, when that
   * is too long ago to know.
   */
  changedSince(sequence: number, visit: (row: number) => void): boolean {
    const count = this.sequence - sequence;
    if (count > logSize) return false;
    for (let at = sequence; at < this.sequence; at++) visit(this.#log[at & logMask] as number);
    return true;
  }

  /** The NodeInfo of that name, made when it is not there. */
  #claim(name: string): NodeInfo {
    const known = this.infoOf(name);
    if (known !== undefined) return known;
    const row = this.#free.pop() ?? this.infos.length;
    if (row >= this.capacity) this.#grow();
    const info = new NodeInfo(name, row);
    this.infos[row] = info;
    this.#rows.set(name, row);
    this.#fillAllocatable(info);
    this.#fillRequested(info);
    return info;
  }

  #freeIfEmpty(info: NodeInfo): void {
    if (info.node !== undefined || info.pods.length > 0) return;
    this.#rows.delete(info.name);
    this.infos[info.row] = undefined;
    this.#free.push(info.row);
  }

  #nodeChanged(row: number): void {
    this.nodesVersion++;
    this.rowVersion[row] = this.nodesVersion;
    this.#changed(row);
  }

  #changed(row: number): void {
    this.#log[this.sequence & logMask] = row;
    this.sequence++;
  }

  #fillAllocatable({ row, allocatable }: NodeInfo): void {
    const { columns } = this;
    columns.allocatableCpu[row] = allocatable.milliCpu;
    columns.allocatableMemory[row] = allocatable.memory;
    columns.allocatableStorage[row] = allocatable.ephemeralStorage;
    columns.allocatablePods[row] = allocatable.allowedPodNumber;
  }

  #fillRequested({ row, requested, nonZeroRequested, pods }: NodeInfo): void {
    const { columns } = this;
    columns.requestedCpu[row] = requested.milliCpu;
    columns.requestedMemory[row] = requested.memory;
    columns.requestedStorage[row] = requested.ephemeralStorage;
    columns.nonZeroCpu[row] = nonZeroRequested.milliCpu;
    columns.nonZeroMemory[row] = nonZeroRequested.memory;
    columns.pods[row] = pods.length;
    this.#changed(row);
  }

  #grow(): void {
    const capacity = this.capacity * 2;
    const { present, rowVersion, columns } = this;
    this.present = new Uint8Array(capacity);
    this.present.set(present);
    this.rowVersion = new Float64Array(capacity);
    this.rowVersion.set(rowVersion);
    this.columns = newColumns(capacity);
    for (const name of columnNames) this.columns[name].set(columns[name]);
    for (const column of this.#topologies.values()) column.grow(capacity);
  }
}
