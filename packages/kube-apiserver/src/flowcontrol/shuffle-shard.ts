/**
 * Shuffle sharding: each flow gets a hand of queues, so that one heavy flow is unlikely to fill
 * all queues of another (`apiserver/pkg/util/shufflesharding/dealer.go`).
 */
import { createHash } from 'node:crypto';

/** A number below 2^52 from a flow's identity: enough entropy for a hand of 6 from 128 queues (42 bits). */
export function flowHash(schema: string, distinguisher: string): number {
  const digest = createHash('sha256').update(schema).update('\0').update(distinguisher).digest();
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] as number) >> 4);
}

/** `handSize` different queue numbers below `queues`, the same ones for the same hash. */
export function deal(hash: number, queues: number, handSize: number): number[] {
  const size = Math.min(handSize, queues);
  const taken: number[] = [];
  let rest = hash;
  for (let i = 0; i < size; i++) {
    const left = queues - i;
    let card = rest % left;
    rest = Math.floor(rest / left);
    // The n-th of the queues that are left: step over those taken, in ascending order.
    for (const t of taken.toSorted((a, b) => a - b)) if (card >= t) card++;
    taken.push(card);
  }
  return taken;
}
