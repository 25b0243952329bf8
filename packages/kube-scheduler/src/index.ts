/** Public exports of the scheduler. */
export { createScheduler, Scheduler, type SchedulerOptions } from './scheduler.ts';
export { defaultConfiguration, type SchedulerConfiguration } from './config/configuration.ts';
export { loadSchedulerConfiguration } from './config/load.ts';
export { ConfigError } from './config/decode.ts';
export type { CacheComparison } from './cache/compare.ts';
export type { ExtenderTransport } from './extender/http-extender.ts';
export { CycleState, StateKey, type StateData } from './framework/cycle-state.ts';
export { NodeInfo } from './framework/node-info.ts';
export { PodInfo } from './framework/pod-info.ts';
export { Status, type Code } from './framework/status.ts';
export * from './framework/types.ts';
