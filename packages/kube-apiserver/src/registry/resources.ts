/** Puts the stored resources of the API together: caches, stores and endpoints. */
import { kindInfo } from '@kubets/api/scheme';
import { convert, needsConversion } from '@kubets/api/conversion/convert';
import { featureGateDefault } from '@kubets/api/facts';
import { servedResources, type ResourceInfo } from '@kubets/api/resources';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { apiVersionOf, groupResourceString, type GroupVersionKind } from '@kubets/apimachinery/meta';
import type { Storage } from '@kubets/etcd';
import { AdmissionChain } from '../admission/chain.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { HistoryLimits } from '../storage/history.ts';
import { WatchCacheDirectory, type ServedCache } from '../storage/watch-cache-directory.ts';
import { namespaceHooks } from './generic/namespace-deletion.ts';
import { ResourceStore, type StoreHooks } from './generic/store.ts';
import { rfc3339Seconds } from './generic/write-context.ts';
import { TtlLeases } from './generic/ttl-leases.ts';
import type { Convert, ResourceScope, RestEnvironment } from './rest/scope.ts';
import { strategyFor } from './strategies.ts';

export interface RegistryOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly chain?: AdmissionChain;
  readonly authorizer?: Authorizer;
  readonly featureEnabled?: (gate: string) => boolean;
  /** By `group/resource`. */
  readonly hooks?: Readonly<Record<string, StoreHooks>>;
  /** Default: {@link servedResources}. */
  readonly resources?: readonly ResourceInfo[];
  /** `--event-ttl`. Default an hour; 0: for ever. */
  readonly eventTtlSeconds?: number;
  readonly writers?: 'local' | 'shared';
  /** Deep-freezes cached objects; for tests. */
  readonly freeze?: boolean;
  /** How much of the recent past watches may start from. */
  readonly historyLimits?: HistoryLimits;
  readonly onFeedBroken?: (error: Error) => void;
}

/** What DELETE answers with in full (`Store.ReturnDeletedObject`), by `group/resource`. */
const returnsDeletedObject: ReadonlySet<string> = new Set([
  '/pods',
  '/podtemplates',
  '/persistentvolumes',
  '/persistentvolumeclaims',
  '/resourcequotas',
  '/services',
  '/serviceaccounts',
]);

const defaultHooks: Readonly<Record<string, StoreHooks>> = { '/namespaces': namespaceHooks };

export class Registry implements AsyncDisposable {
  readonly environment: RestEnvironment;
  readonly directory: WatchCacheDirectory;
  /** By `group/version/resource`. */
  readonly scopes: ReadonlyMap<string, ResourceScope>;

  constructor(environment: RestEnvironment, scopes: ReadonlyMap<string, ResourceScope>) {
    this.environment = environment;
    this.directory = environment.directory;
    this.scopes = scopes;
  }

  /** Ends all watches; the storage stays open, it is its opener's. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Opens the caches; resolves when they are filled. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const resources = (options.resources ?? servedResources()).filter((info) => info.storage !== undefined);
  const directory = new WatchCacheDirectory({
    storage: options.storage,
    clock: options.clock,
    resources: resources.map(servedCache),
    ...(options.writers && { writers: options.writers }),
    ...(options.freeze && { freeze: options.freeze }),
    ...(options.historyLimits && { historyLimits: options.historyLimits }),
    ...(options.onFeedBroken && { onFeedBroken: options.onFeedBroken }),
  });
  await directory.start();
  const featureEnabled = options.featureEnabled ?? featureGateDefault;
  const environment: RestEnvironment = {
    clock: options.clock,
    random: options.random,
    featureEnabled,
    defaulting: { now: () => rfc3339Seconds(options.clock.now()), featureEnabled },
    chain: options.chain ?? new AdmissionChain(),
    directory,
    storage: options.storage,
    authorizer: options.authorizer,
  };
  return new Registry(environment, makeScopes(options, environment, resources));
}

function servedCache(info: ResourceInfo): ServedCache {
  const { selectableFields } = strategyFor(info.group, info.resource);
  return {
    groupResource: { group: info.group, resource: info.resource },
    prefix: info.etcdPrefix,
    namespaced: info.namespaced,
    selectableFields,
  };
}

function makeScopes(
  options: RegistryOptions,
  environment: RestEnvironment,
  resources: readonly ResourceInfo[],
): ReadonlyMap<string, ResourceScope> {
  const scopes = new Map<string, ResourceScope>();
  const stores = new Map<string, ResourceStore>();
  for (const info of resources) {
    const id = groupResourceString({ group: info.group, resource: info.resource });
    const stored = storedKind(info, resources);
    let store = stores.get(id);
    if (store === undefined) stores.set(id, (store = makeStore(options, environment, info, stored)));
    scopes.set(`${info.group}/${info.version}/${info.resource}`, makeScope({ environment, info, store, stored }));
  }
  return scopes;
}

/**
 * The version that is stored: upstream's where it is served or of another shape (Events, HPAs), else
 * the preferred served one. We store JSON, which is the same in both.
 */
function storedKind(info: ResourceInfo, resources: readonly ResourceInfo[]): GroupVersionKind {
  const { group, version, kind } = info.storage ?? info;
  if (group !== info.group) return { group, version, kind };
  const versions = resources.filter((other) => other.group === group && other.resource === info.resource);
  const served = versions.find((other) => other.version === version) ?? versions[0] ?? info;
  return { group, version: served.version, kind };
}

function makeStore(
  options: RegistryOptions,
  environment: RestEnvironment,
  info: ResourceInfo,
  stored: GroupVersionKind,
): ResourceStore {
  const { eventTtlSeconds = 3600 } = options;
  const groupResource = { group: info.group, resource: info.resource };
  const id = `${info.group}/${info.resource}`;
  const leases =
    info.kind === 'Event' && eventTtlSeconds > 0
      ? new TtlLeases(options.storage, options.clock, eventTtlSeconds)
      : undefined;
  return new ResourceStore({
    groupResource,
    gvk: stored,
    namespaced: info.namespaced,
    strategy: strategyFor(info.group, info.resource),
    storage: options.storage,
    cache: environment.directory.of(groupResource),
    leases,
    hooks: options.hooks?.[id] ?? defaultHooks[id],
    returnDeletedObject: returnsDeletedObject.has(id),
  });
}

interface ScopeParts {
  readonly environment: RestEnvironment;
  readonly info: ResourceInfo;
  readonly store: ResourceStore;
  readonly stored: GroupVersionKind;
}

function makeScope(parts: ScopeParts): ResourceScope {
  const { environment, info, store, stored } = parts;
  const gvk = { group: info.group, version: info.version, kind: info.kind };
  const kind = kindInfo(gvk);
  if (kind === undefined) throw new Error(`${apiVersionOf(gvk)} ${gvk.kind} is served but not known`);
  const same = stored.group === gvk.group && stored.version === gvk.version;
  return {
    environment,
    info,
    groupResource: store.groupResource,
    resource: { group: info.group, version: info.version, resource: info.resource },
    gvk,
    kind,
    store,
    strategy: store.options.strategy,
    subresources: new Map(info.subresources.map((subresource) => [subresource.name, subresource])),
    toStorage: same ? undefined : conversion(gvk, stored),
    fromStorage: same ? undefined : conversion(stored, gvk),
  };
}

/** Versions of one shape differ in their apiVersion only. */
function conversion(from: GroupVersionKind, to: GroupVersionKind): Convert {
  if (needsConversion(from, to)) return (object) => convert(object, from, to);
  const apiVersion = apiVersionOf(to);
  return (object) => ({ ...object, apiVersion });
}
