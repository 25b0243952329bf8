/** One endpoint: a resource in one served version, with all that its verbs need (`endpoints/handlers.RequestScope`). */
import type { DefaultingContext } from '@kubets/api/defaulting/condition';
import type { ResourceInfo, SubresourceInfo } from '@kubets/api/resources';
import type { KindInfo } from '@kubets/api/scheme';
import type { ApiObject, GroupResource, GroupVersionKind, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { AdmissionChain } from '../../admission/chain.ts';
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { WatchCacheDirectory } from '../../storage/watch-cache-directory.ts';
import type { Storage } from '@kubets/etcd';
import type { ResourceStore } from '../generic/store.ts';
import type { WriteEnvironment } from '../generic/write-context.ts';
import type { Strategy } from '../strategy.ts';

/** What all endpoints share. */
export interface RestEnvironment extends WriteEnvironment {
  readonly chain: AdmissionChain;
  readonly directory: WatchCacheDirectory;
  readonly storage: Storage;
  readonly defaulting: DefaultingContext;
  /** Asked whether a PUT or apply that creates may create; absent: it may. */
  readonly authorizer?: Authorizer | undefined;
}

/** A new object in another version; shares structure with the given one. */
export type Convert = (object: Readonly<ApiObject>) => ApiObject;

export interface ResourceScope {
  readonly environment: RestEnvironment;
  readonly info: ResourceInfo;
  readonly groupResource: GroupResource;
  readonly resource: GroupVersionResource;
  /** Of the served version. */
  readonly gvk: GroupVersionKind;
  readonly kind: KindInfo;
  readonly store: ResourceStore;
  readonly strategy: Strategy;
  readonly subresources: ReadonlyMap<string, SubresourceInfo>;
  /** Absent when the served version is the stored one. */
  readonly toStorage: Convert | undefined;
  readonly fromStorage: Convert | undefined;
}
