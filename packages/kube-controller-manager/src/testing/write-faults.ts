/** Conflicts on the way to the API server, in tests: reproducible, and often. For all else that goes wrong see `interference.ts`. */
import { newConflict } from '@kubets/apimachinery/status';
import type { Transport, TransportRequest } from '@kubets/client';
import { intercept } from './intercept.ts';
import { seededRandom } from './seeded-random.ts';

/** Whole numbers from 0 up to but not including `below`. */
export type Chance = (below: number) => number;

/** Reproducible chance. */
export function chance(seed: number): Chance {
  const next = seededRandom(seed);
  return (below) => Math.floor(next() * below);
}

const isWrite = ({ method, path }: TransportRequest): boolean => method !== 'GET' && !path.includes('/events');

/**
 * Refuses every third write with a conflict, one in three of them after it was done. Creations are refused before only, unless
 * `lostAnswers` says that names make them safe to repeat. Events pass.
 */
export function refusing(random: Chance, { lostAnswers = false } = {}): (transport: Transport) => Transport {
  return intercept(async (request, forward) => {
    if (!isWrite(request) || random(3) !== 0) return await forward(request);
    if (random(3) === 0 && (lostAnswers || request.method !== 'POST')) await forward(request);
    throw newConflict({ group: '', resource: 'things' }, 'x', 'in the test');
  });
}
