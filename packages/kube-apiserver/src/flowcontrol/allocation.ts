/**
 * How the server's seats are divided among priority levels, and lent
 * (`apiserver/pkg/util/flowcontrol/apf_controller.go`, `conc_alloc.go`).
 */
import type { PriorityLevel } from './priority-level.ts';

/** Part of the smoothed demand that stays at each adjustment (`seatDemandSmoothingCoefficient`). */
const smoothing = 0.977;

/** Each level's nominal seats: its part of the shares, rounded up. */
export function setNominalSeats(levels: readonly PriorityLevel[], serverSeats: number): void {
  let shares = 0;
  for (const level of levels) shares += level.config.shares;
  for (const level of levels) {
    level.nominalSeats = shares === 0 ? 0 : Math.ceil((serverSeats * level.config.shares) / shares);
    level.setLimit(level.nominalSeats);
  }
}

interface Bounds {
  readonly level: PriorityLevel;
  readonly lower: number;
  readonly upper: number;
  readonly target: number;
}

function boundsOf(level: PriorityLevel): Bounds {
  const nominal = level.nominalSeats;
  const { lendablePercent, borrowingLimitPercent } = level.config;
  const kept = nominal - Math.round((nominal * lendablePercent) / 100);
  const lower = Math.max(kept, Math.min(nominal, level.peakDemand));
  const upper =
    borrowingLimitPercent === undefined ? Infinity : nominal + Math.round((nominal * borrowingLimitPercent) / 100);
  level.smoothDemand = Math.max(level.peakDemand, smoothing * level.smoothDemand + (1 - smoothing) * level.peakDemand);
  level.peakDemand = level.seatsInUse;
  return { level, lower, upper, target: Math.min(upper, Math.max(lower, level.smoothDemand)) };
}

const given = (b: Bounds, fraction: number): number => Math.min(b.upper, Math.max(b.lower, fraction * b.target));

/** Divides the seats anew by recent demand: idle levels lend, busy ones borrow, all in proportion. */
export function adjustLimits(levels: readonly PriorityLevel[], serverSeats: number): void {
  const all = levels.filter((level) => !level.config.exempt).map(boundsOf);
  const sum = (fraction: number): number => all.reduce((total, b) => total + given(b, fraction), 0);
  let low = 0;
  let high = serverSeats + 1;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (sum(middle) > serverSeats) high = middle;
    else low = middle;
  }
  for (const b of all) b.level.setLimit(Math.round(given(b, low)));
}
