/**
 * The event loop goes round although thousands of requests arrive at once, as they do from controllers in the same process:
 * when what was begun in one turn has taken its time, the others wait for the next turn, in order.
 */
import type { Clock } from '@kubets/apimachinery/clock';
import { Turns, turnsOf } from '@kubets/apimachinery/turns';
import type { ApiRequest, ApiResult, Filter, Next } from '../types.ts';

/** Shares its turns with all else that lives by the clock, unless it is given a budget of its own. */
export function withTurns(clock: Clock, budgetMs?: number): Filter {
  const turns = budgetMs === undefined ? turnsOf(clock) : new Turns(clock, budgetMs);
  const later = async (turn: Promise<void>, request: ApiRequest, next: Next): Promise<ApiResult> => {
    await turn;
    return await next(request);
  };
  return (request, next) => {
    const turn = turns.enter();
    return turn === undefined ? next(request) : later(turn, request, next);
  };
}
