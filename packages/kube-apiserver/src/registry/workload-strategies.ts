/** Strategies of the kinds that run work, by `group/resource` (the core group is empty: `/pods`). */
import { podStrategy } from './core/pod/pod-strategy.ts';
import type { Strategy } from './strategy.ts';

export const workloadStrategies: Readonly<Record<string, Strategy>> = {
  '/pods': podStrategy as Strategy,
};
