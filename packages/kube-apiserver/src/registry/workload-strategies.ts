/** Strategies of the kinds that run work, by `group/resource` (the core group is empty: `/pods`). */
import type { Strategy } from './strategy.ts';

export const workloadStrategies: Readonly<Record<string, Strategy>> = {};
