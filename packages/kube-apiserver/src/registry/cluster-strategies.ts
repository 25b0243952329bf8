/** Strategies of all other kinds, by `group/resource` (the core group is empty: `/namespaces`). */
import type { Strategy } from './strategy.ts';

export const clusterStrategies: Readonly<Record<string, Strategy>> = {};
