/** Scores brought into the range from 0 to 100 (`pkg/scheduler/framework/plugins/helper/normalize_score.go`). */
import { maxNodeScore } from '../../framework/types.ts';

/** In proportion to the highest. Answers false when all stay 0. */
export function normalizeScores(scores: Float64Array, count: number): boolean {
  const highest = highestOf(scores, count);
  if (highest === 0) return false;
  for (let i = 0; i < count; i++) scores[i] = Math.trunc((maxNodeScore * (scores[i] as number)) / highest);
  return true;
}

/** The same the other way round: the highest gets 0. Answers false when all would get 100. */
export function normalizeScoresReversed(scores: Float64Array, count: number): boolean {
  if (!normalizeScores(scores, count)) return false;
  for (let i = 0; i < count; i++) scores[i] = maxNodeScore - (scores[i] as number);
  return true;
}

function highestOf(scores: Float64Array, count: number): number {
  let highest = 0;
  for (let i = 0; i < count; i++) if ((scores[i] as number) > highest) highest = scores[i] as number;
  return highest;
}
