/**
 * The API server put together: storage → caches → registry → authentication, authorization,
 * admission → pipeline → listener (`cmd/kube-apiserver/app/server.go`, `pkg/controlplane/instance.go`).
 */
import type { AddressInfo } from 'node:net';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { Transport } from '@kubets/client';
import type { Storage } from '@kubets/etcd';
import type { AdmissionPlugin } from './admission/plugin.ts';
import { anonymousForHealthOnly } from './authentication/anonymous.ts';
import {
  newAuthenticator,
  type AuthenticatorOptions,
  type ServerAuthenticator,
} from './authentication/new-authenticator.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import { newAuthorizer, type AuthorizationMode } from './authorization/new-authorizer.ts';
import type { RbacAuthorizer } from './authorization/rbac/rbac-authorizer.ts';
import { internalUser, type InternalClient } from './bootstrap/internal-client.ts';
import { nodeRules } from './bootstrap/rbac/bootstrap-roles.ts';
import { openRegistry, type Registry, type RegistryOptions } from './registry/resources.ts';
import { makeApiHandler, type ApiHandlerOptions } from './registry/rest/installer.ts';
import { apiCodecs } from './server/api-codecs.ts';
import { DeferredAdmissionChain, DeferredAuthorizer } from './server/deferred.ts';
import { featureGateLookup, type FeatureEnabled } from '@kubets/api/feature-gates';
import { GenericServer, type GenericServerOptions, type ListenOptions } from './server/generic-server.ts';
import { TransportClient } from './server/internal-client.ts';
import type { Log } from '@kubets/apimachinery/log';
import type { PostStartHook } from './server/post-start-hooks.ts';
import type { TlsMaterial } from './server/tls.ts';
import type { Next, UserInfo } from './server/types.ts';
import { admissionMetrics } from './metrics/admission-metrics.ts';
import { deprecationMetrics } from './metrics/deprecation-metrics.ts';
import { registerStorageMetrics, type StorageSize } from './metrics/storage-metrics.ts';

/** What the optional parts of a server are made from. */
export interface ApiServerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly storage: Storage;
  readonly registry: Registry;
  readonly authenticator: ServerAuthenticator;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly featureEnabled: FeatureEnabled;
  /** Requests as `system:apiserver`. Works once the server has been created. */
  readonly client: InternalClient;
  /** For paths, health checks and metrics of the parts. */
  readonly server: GenericServer;
}

type EndpointParts = Omit<ApiServerParts, 'server'>;
type Endpoints = Pick<ApiHandlerOptions, 'extraResources' | 'extraSubresources' | 'serves'>;

export interface ApiServerConfig {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Stays the caller's: open it before, dispose it after. */
  readonly storage: Storage;
  /** What the store takes on disk, for the metrics. */
  readonly storageSize?: StorageSize;
  /** Absent: reachable in process only. */
  readonly listen?: ListenOptions;
  /** Default: client certificates only, anonymous for the health endpoints. */
  readonly authentication?: Partial<Omit<AuthenticatorOptions, 'caches' | 'clock'>>;
  /** Default: Node, RBAC. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  /** `--feature-gates`. Throws when wrong. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** What the registry can be told besides: conversions, defaults, hooks, resources. */
  readonly registry?: Partial<RegistryOptions>;
  /** In the order in which they run. Default: none. */
  readonly admission?: (parts: EndpointParts) => readonly AdmissionPlugin[];
  /** Endpoints that are not simply stored. Default: none. */
  readonly endpoints?: (parts: EndpointParts) => Endpoints;
  /** Called once all parts are there and before the port opens: registers discovery, OpenAPI and the like. */
  readonly install?: (parts: ApiServerParts) => void;
  /** Run when the port is open; the server is ready when they are done. */
  readonly postStartHooks?: (parts: ApiServerParts) => readonly PostStartHook[];
  readonly limits?: Pick<
    GenericServerOptions,
    'requestTimeoutMs' | 'minRequestTimeoutSeconds' | 'maxInflight' | 'shutdownTimeoutMs'
  >;
}

export interface ApiServer extends AsyncDisposable {
  readonly parts: ApiServerParts;
  /**
   * Opens the port and runs the post-start hooks. Resolves, to the address, when the server is
   * ready. Rejects with the listener's error (`EADDRINUSE`) or a hook's. Single use.
   */
  start(): Promise<AddressInfo | undefined>;
  /** A client's way in without a network; `component` (default `kubets`) names the manager of the fields it writes. */
  transport(user: UserInfo, component?: string): Transport;
  /** New certificates and CAs, from now on. */
  setTlsMaterial(material: TlsMaterial): void;
  /** Stops cleanly within the shutdown timeout. Idempotent. The storage stays open. */
  stop(): Promise<void>;
}

/** The first requests go in circles: the server is made of a handler that is made of parts that use the server. */
class LateHandler {
  handler: Next | undefined;

  readonly serve: Next = (request) => {
    if (this.handler === undefined) throw new Error('the server has no handler yet');
    return this.handler(request);
  };
}

class AssembledServer implements ApiServer {
  readonly parts: ApiServerParts;
  readonly #stack: AsyncDisposableStack;

  constructor(parts: ApiServerParts, stack: AsyncDisposableStack) {
    this.parts = parts;
    this.#stack = stack;
  }

  async start(): Promise<AddressInfo | undefined> {
    const { server } = this.parts;
    const address = await server.start();
    await server.runHooks();
    return address;
  }

  transport(user: UserInfo, component?: string): Transport {
    return this.parts.server.transport(user, component);
  }

  setTlsMaterial(material: TlsMaterial): void {
    this.parts.server.setTlsMaterial(material);
  }

  stop(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function addChecks(server: GenericServer, config: ApiServerConfig): void {
  const etcd = async (): Promise<void> => {
    await config.storage.currentRevision();
  };
  server.addHealthCheck({ name: 'etcd', check: etcd });
  server.addHealthCheck({ name: 'etcd-readiness', check: etcd }, 'readyz');
  // The caches are full before the server exists.
  server.addHealthCheck({ name: 'informer-sync', check() {} }, 'readyz');
}

function followFlowObjects(server: GenericServer, registry: Registry): void {
  const group = 'flowcontrol.apiserver.k8s.io';
  if (!registry.scopes.has(`${group}/v1/flowschemas`)) return;
  const { directory } = registry;
  const schemas = directory.of({ group, resource: 'flowschemas' });
  server.flowController.follow(schemas, directory.of({ group, resource: 'prioritylevelconfigurations' }));
}

function makeServer(config: ApiServerConfig, security: Security, resources: Next): GenericServer {
  const { clock, random, log, listen } = config;
  return new GenericServer({
    clock,
    random,
    log,
    listen,
    authenticator: security.authenticator.requests,
    authorizer: security.authorizer,
    resources,
    codecs: apiCodecs,
    objectCount: (group, resource) => security.count(group, resource),
    ...config.limits,
  });
}

interface Security {
  readonly authenticator: ServerAuthenticator;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  count(group: string, resource: string): number | undefined;
}

function makeSecurity(config: ApiServerConfig, registry: Registry, stack: AsyncDisposableStack): Security {
  const caches = registry.directory;
  const modes = config.authorizationModes ?? ['Node', 'RBAC'];
  const { authorizer, rbac } = stack.use(newAuthorizer({ modes, caches, nodeRules: nodeRules() }));
  const authenticator = newAuthenticator({
    apiAudiences: [],
    bootstrapTokens: false,
    anonymous: anonymousForHealthOnly,
    ...config.authentication,
    caches,
    clock: config.clock,
  });
  return { authenticator, authorizer, rbac, count: objectCounter(registry) };
}

function objectCounter(registry: Registry): Security['count'] {
  const served = new Set(
    [...registry.scopes.values()].map((s) => `${s.groupResource.group}/${s.groupResource.resource}`),
  );
  return (group, resource) =>
    served.has(`${group}/${resource}`) ? registry.directory.of({ group, resource }).size : undefined;
}

/**
 * Opens the caches and puts the server together; nothing is served before `start`. Rejects when the
 * storage cannot be read or the configuration is wrong.
 */
export async function createApiServer(config: ApiServerConfig): Promise<ApiServer> {
  const { clock, random, log, storage } = config;
  await using stack = new AsyncDisposableStack();
  const featureEnabled = featureGateLookup(config.featureGates);
  const chain = new DeferredAdmissionChain();
  const deferred = new DeferredAuthorizer();
  const onFeedBroken = (error: Error): void => log.warn({ error: error.message }, 'the watch of the store broke');
  const registry = stack.use(
    await openRegistry({
      featureEnabled,
      onFeedBroken,
      ...config.registry,
      storage,
      clock,
      random,
      chain,
      authorizer: deferred,
    }),
  );
  const security = makeSecurity(config, registry, stack);
  deferred.set(security.authorizer);
  const late = new LateHandler();
  const server = stack.use(makeServer(config, security, late.serve));
  const client = new TransportClient(server.transport(internalUser));
  const { authenticator, authorizer, rbac } = security;
  const parts = {
    clock,
    random,
    log,
    storage,
    registry,
    authenticator,
    authorizer,
    rbac,
    featureEnabled,
    client,
    server,
  };
  chain.setPlugins(config.admission?.(parts) ?? [], admissionMetrics(server.metrics, clock));
  const onDeprecated = deprecationMetrics(server.metrics);
  late.handler = makeApiHandler({ scopes: registry.scopes, onDeprecated, ...config.endpoints?.(parts) });
  followFlowObjects(server, registry);
  addChecks(server, config);
  registerStorageMetrics(server.metrics, registry, config.storageSize);
  for (const hook of config.postStartHooks?.(parts) ?? []) server.hooks.add(hook);
  config.install?.(parts);
  return new AssembledServer(parts, stack.move());
}
