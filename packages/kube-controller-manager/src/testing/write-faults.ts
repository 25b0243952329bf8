/** Faults on the way to the API server, in tests: reproducible, and often. */
import { newConflict } from '@kubets/apimachinery/status';
import type { Transport, TransportRequest } from '@kubets/client';

/** Whole numbers from 0 up to but not including `below`. */
export type Chance = (below: number) => number;

/** Reproducible chance (mulberry32). */
export function chance(seed: number): Chance {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const isWrite = ({ method, path }: TransportRequest): boolean => method !== 'GET' && !path.includes('/events');

/**
 * Refuses every third write with a conflict, one in three of them after it was done. Creations are refused before only, unless
 * `lostAnswers` says that names make them safe to repeat. Events pass.
 */
export function refusing(random: Chance, { lostAnswers = false } = {}): (transport: Transport) => Transport {
  return (transport) => ({
    request: async (request) => {
      if (!isWrite(request) || random(3) !== 0) return await transport.request(request);
      if (random(3) === 0 && (lostAnswers || request.method !== 'POST')) await transport.request(request);
      throw newConflict({ group: '', resource: 'things' }, 'x', 'in the test');
    },
    watch: (request) => transport.watch(request),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  });
}
