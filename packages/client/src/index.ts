/** Public exports of the client library. */
export { HttpTransport, type HttpTransportOptions } from './http-transport.ts';
export { ManagedTransport, type RequestPolicy } from './managed-transport.ts';
export * from './transport.ts';
export * from './rest/resource-client.ts';
export { kubeClient, type KubeClient } from './rest/kube-client.ts';
export * from './kubeconfig.ts';
export {
  discover,
  DiscoveryError,
  RestMapper,
  type DiscoveredResource,
  type DiscoveryFailure,
} from './discovery/discovery.ts';
export { Indexer, keyOf, namespaceIndex, splitKey, type IndexFunction } from './cache/indexer.ts';
export { DeltaFifo, type Delta, type Deltas } from './cache/delta-fifo.ts';
export { Reflector, type ListerWatcher, type ReflectorOptions, type ReflectorSink } from './cache/reflector.ts';
export { isTooLargeResourceVersion } from './cache/reflector-errors.ts';
export { type ErrorHandler, type EventHandler } from './cache/listener.ts';
export { SharedInformer, waitForCacheSync, type InformerOptions, type Registration } from './cache/shared-informer.ts';
export { SharedInformerFactory, type InformerSelection } from './cache/shared-informer-factory.ts';
export { Backoff } from './workqueue/backoff.ts';
export {
  defaultControllerRateLimiter,
  ItemBackoff,
  MaxOf,
  TokenBucket,
  type RateLimiter,
} from './workqueue/rate-limiter.ts';
export { workQueueMetricNames, type WorkQueueMetrics } from './workqueue/queue-metrics.ts';
export { runWorkers, WorkQueue, type WorkQueueOptions } from './workqueue/work-queue.ts';
export {
  LeaderElector,
  leaderHealthCheck,
  type LeaderElectionOptions,
  type Lease,
} from './leader-election/leader-election.ts';
export {
  EventRecorder,
  type EventDetails,
  type EventRecorderOptions,
  type EventType,
} from './record/event-recorder.ts';
export {
  EventSeriesRecorder,
  type EventNote,
  type EventSeriesRecorderOptions,
} from './record/event-series-recorder.ts';
export { referenceTo, type ObjectReference } from './record/object-reference.ts';
