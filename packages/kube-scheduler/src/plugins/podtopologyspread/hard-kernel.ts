/** Constraints that must hold (`pkg/scheduler/framework/plugins/podtopologyspread/filtering.go`). */
import { noValue } from '../../cache/topology-column.ts';
import type { Candidates } from '../../fast/kernel.ts';
import { Status } from '../../framework/status.ts';
import { fewest, type SpreadSums } from './spread-sums.ts';

export const spreadName = 'PodTopologySpread';
export const constraintsViolated = Status.unschedulable("node(s) didn't match pod topology spread constraints").by(
  spreadName,
);
export const labelMissing = Status.unresolvable(
  "node(s) didn't match pod topology spread constraints (missing required label)",
).by(spreadName);

/** Drops the rows on which the pod would make the skew too large; constraint by constraint, as the first one gives the reason. */
export function filterHard(hard: readonly SpreadSums[], candidates: Candidates): void {
  for (const sums of hard) {
    const { constraint, column, selfMatch } = sums;
    const values = sums.sums;
    const most = constraint.maxSkew - selfMatch + fewest(constraint, sums);
    const { rows } = candidates;
    let left = 0;
    for (let i = 0; i < candidates.count; i++) {
      const row = rows[i] as number;
      const value = column.of[row] as number;
      if (value === noValue) candidates.reject(row, labelMissing);
      else if ((values[value] as number) > most) candidates.reject(row, constraintsViolated);
      else rows[left++] = row;
    }
    candidates.count = left;
  }
}
