/**
 * How a test says which conformance behaviour it holds the server to. The codename is written as in
 * the conformance list, without the closing `[Conformance]`; `scripts/conformance-table.ts` reads
 * these calls.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { Cluster } from './cluster.ts';

let cluster: Cluster;

type Body = (cluster: Cluster) => Promise<void>;

/**
 * Connects to an API server with nobody else at work but what every namespace needs, before the first test of the file,
 * and lets go after the last.
 */
export function useCluster(): void {
  use(() => Cluster.connect());
}

/** The same with a whole control plane of this file's own, and simulated nodes. */
export function useNodes(count = 3): void {
  use(() => Cluster.start(count));
}

function use(open: () => Promise<Cluster>): void {
  beforeAll(async () => {
    cluster = await open();
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });
}

/** The whole of a behaviour. */
export function covers(codename: string, body: Body): void {
  it(codename, () => body(cluster), 60_000);
}

/** The whole of a behaviour that takes minutes to show: only with `KUBETS_CONFORMANCE_SLOW`. */
export function coversSlowly(codename: string, minutes: number, body: Body): void {
  const test = process.env['KUBETS_CONFORMANCE_SLOW'] === undefined ? it.skip : it;
  test(codename, () => body(cluster), minutes * 60_000);
}

/** The part of a behaviour that what runs here answers for; `without` names what is left to others. */
export function coversPart(codename: string, without: string, body: Body): void {
  it(`${codename} (without ${without})`, () => body(cluster), 60_000);
}
