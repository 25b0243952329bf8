/** What the controllers that keep EndpointSlices have in common. */
import type { Clock } from '@kubets/apimachinery/clock';
import { isNotFound } from '@kubets/apimachinery/status';
import type { EndpointSlice } from '@kubets/api/types/discovery-v1';
import {
  ItemBackoff,
  MaxOf,
  TokenBucket,
  type KubeClient,
  type RateLimiter,
  type SharedInformer,
} from '@kubets/client';
import { ensureIndex } from '../lib/ensure-index.ts';
import { managedByLabel } from './slice.ts';
import { serviceKeyOf, type SliceTracker } from './slice-tracker.ts';

/** Slices by the key of their Service, whoever manages them. */
const slicesByServiceIndex = 'serviceName';

const bySliceService = (slice: Readonly<EndpointSlice>): readonly string[] => {
  const key = serviceKeyOf(slice);
  return key === undefined ? [] : [key];
};

const isOf = (slice: Readonly<EndpointSlice>, manager: string): boolean =>
  slice.metadata.labels?.[managedByLabel] === manager;

/** The slices of a Service that `manager` keeps, without those that are being deleted; {@link followSlices} indexes them. */
export function slicesOf(
  slices: SharedInformer<EndpointSlice>,
  service: string,
  manager: string,
): readonly Readonly<EndpointSlice>[] {
  return slices.store
    .byIndex(slicesByServiceIndex, service)
    .filter((slice) => isOf(slice, manager) && slice.metadata.deletionTimestamp === undefined);
}

/** Upstream's, which begins with pauses of a second instead of 5 ms. */
export function slowRateLimiter(clock: Clock): RateLimiter<string> {
  return new MaxOf<string>([
    new ItemBackoff<string>(1000, 1_000_000),
    new TokenBucket<string>({ perSecond: 10, burst: 100, clock }),
  ]);
}

/** Indexes slices by Service, and tells of Services whose slices somebody else has changed or deleted. */
export function followSlices(
  slices: SharedInformer<EndpointSlice>,
  tracker: SliceTracker,
  { manager, changed }: { readonly manager: string; readonly changed: (service: string) => void },
): void {
  ensureIndex(slices, slicesByServiceIndex, bySliceService);
  const mine = (slice: Readonly<EndpointSlice>): boolean => isOf(slice, manager);
  const tell = (slice: Readonly<EndpointSlice>): void => {
    const key = serviceKeyOf(slice);
    if (key !== undefined) changed(key);
  };
  slices.addEventHandler({
    onAdd: (slice) => {
      if (mine(slice) && tracker.shouldSync(slice)) tell(slice);
    },
    onUpdate: (old, slice) => {
      if (old === slice) return;
      if (serviceKeyOf(old) !== serviceKeyOf(slice)) {
        tell(slice);
        tell(old);
      } else if (mine(old) !== mine(slice) || (mine(slice) && tracker.shouldSync(slice))) tell(slice);
    },
    onDelete: (slice) => {
      if (mine(slice) && !tracker.deleted(slice)) tell(slice);
    },
  });
}

/** Deletes a slice, and has the tracker expect that. Whether there was one still. */
export async function deleteSlice(
  client: KubeClient,
  tracker: SliceTracker,
  slice: Readonly<EndpointSlice>,
): Promise<boolean> {
  const { namespace, name = '' } = slice.metadata;
  try {
    await client.endpointSlices(namespace).delete(name);
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
  tracker.expectDeletion(slice);
  return true;
}
