/**
 * kube-apiserver as its command line describes it: what upstream puts together from its flags in
 * `cmd/kube-apiserver/app/server.go` and `pkg/controlplane/instance.go`.
 */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { failure } from '@kubets/apimachinery/status';
import type { Storage } from '@kubets/etcd';
import { createApiServer, type ApiServer, type ApiServerConfig, type ApiServerParts } from './api-server.ts';
import { admissionPlugins, type PluginSelection } from './admission/plugins.ts';
import { anonymousForHealthOnly, type AnonymousOptions } from './authentication/anonymous.ts';
import type { AuthenticatorOptions } from './authentication/new-authenticator.ts';
import type { RequestHeaderOptions } from './authentication/request-header/request-header-authenticator.ts';
import { parseSigningKey, parseVerificationKeys, type VerificationKey } from './authentication/serviceaccount/keys.ts';
import { openIdHandlers, openIdMetadata } from './authentication/serviceaccount/openid-metadata.ts';
import { TokenIssuer } from './authentication/serviceaccount/token-issuer.ts';
import type { AuthorizationMode } from './authorization/new-authorizer.ts';
import { bootstrapHooks, type BootstrapOptions } from './bootstrap/hooks.ts';
import { discoveryHandler } from './discovery/discovery-handler.ts';
import { DiscoveryRegistry } from './discovery/discovery-registry.ts';
import { openApiHandler } from './openapi/openapi-handler.ts';
import { OpenApiService } from './openapi/openapi-service.ts';
import { componentStatuses, type ComponentProbe } from './registry/core/componentstatus/component-statuses.ts';
import { httpsHealthProbe } from './registry/core/componentstatus/health-probe.ts';
import { authenticationHandlers } from './registry/authentication/handlers.ts';
import { tokenRequestHandler } from './registry/authentication/token-request.ts';
import { authorizationHandlers } from './registry/authorization/handlers.ts';
import { serviceHooks, type ServiceAllocation } from './registry/core/service/service-hooks.ts';
import type { PortRange } from './registry/core/service/port-allocator.ts';
import type { Log } from '@kubets/apimachinery/log';
import type { PostStartHook } from './server/post-start-hooks.ts';
import type { TlsMaterial } from './server/tls.ts';
import type { ApiRequest, ApiResult, Next, UserInfo } from './server/types.ts';
import type { StorageSize } from './metrics/storage-metrics.ts';
import { kubernetesVersion } from './server/version.ts';

export interface ServiceAccountOptions {
  /** `--service-account-issuer`: the first signs, all are accepted. */
  readonly issuers: readonly string[];
  /** `--service-account-signing-key-file`, PEM. */
  readonly signingKey: string;
  /** `--service-account-key-file`, PEM texts; the signing key's public half is always among them. */
  readonly verificationKeys: readonly string[];
  /** `--service-account-max-token-expiration`, seconds; 0: no limit. */
  readonly maxTokenExpirationSeconds: number;
  /** `--service-account-extend-token-expiration`. */
  readonly extendTokenExpiration: boolean;
  /** `--service-account-jwks-uri`. */
  readonly jwksUri: string;
}

export interface KubeApiServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Stays the caller's. */
  readonly storage: Storage;
  /** What it takes on disk, for the metrics. */
  readonly storageSize?: StorageSize;
  /** Absent: reachable in process only. */
  readonly listen?: { readonly host: string; readonly port: number; readonly tls: TlsMaterial };
  readonly serviceAccounts: ServiceAccountOptions;
  /** `--api-audiences`; empty: the first issuer. */
  readonly apiAudiences: readonly string[];
  readonly authorizationModes: readonly AuthorizationMode[];
  readonly anonymous?: AnonymousOptions;
  readonly bootstrapTokens: boolean;
  readonly tokenFile?: ReadonlyMap<string, UserInfo>;
  readonly requestHeader?: RequestHeaderOptions;
  /** `--enable-admission-plugins`, `--disable-admission-plugins`. */
  readonly admission: PluginSelection;
  /** `--advertise-address` and port, as discovery tells clients inside the cluster. */
  readonly advertise: { readonly address: string; readonly port: number };
  readonly hostname: string;
  /** `--service-cluster-ip-range`: one, or one of each family. */
  readonly serviceClusterIpRanges: readonly string[];
  /** `--service-node-port-range`. */
  readonly serviceNodePortRange: PortRange;
  /** Of the `kubernetes` Service: the first address of the first range. */
  readonly serviceAddress: string;
  /** PEM texts that `extension-apiserver-authentication` tells aggregated servers; may be empty. */
  readonly trust: { readonly clientCa: string; readonly frontProxyCa: string };
  /** What a controller manager would do and this server does while there is none; absent when one runs. */
  readonly standIns: BootstrapOptions['standIns'];
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** `--request-timeout`, `--min-request-timeout`, in-flight limits. */
  readonly limits?: ApiServerConfig['limits'];
  /** `--event-ttl`. */
  readonly eventTtlSeconds: number;
}

interface Tokens {
  readonly issuer: TokenIssuer;
  readonly keys: readonly VerificationKey[];
  readonly audiences: readonly string[];
}

/** Throws an Error that names the wrong key. */
function tokensOf(options: KubeApiServerOptions): Tokens {
  const { issuers, signingKey, verificationKeys } = options.serviceAccounts;
  const issuer = new TokenIssuer(issuers[0] ?? '', parseSigningKey(signingKey));
  const others = verificationKeys.flatMap(parseVerificationKeys).filter((key) => key.id !== issuer.verificationKey.id);
  const audiences = options.apiAudiences.length > 0 ? options.apiAudiences : issuers.slice(0, 1);
  return { issuer, keys: [issuer.verificationKey, ...others], audiences };
}

function authentication(options: KubeApiServerOptions, tokens: Tokens): Omit<AuthenticatorOptions, 'caches' | 'clock'> {
  return {
    apiAudiences: tokens.audiences,
    serviceAccounts: { issuers: options.serviceAccounts.issuers, keys: tokens.keys },
    bootstrapTokens: options.bootstrapTokens,
    anonymous: options.anonymous ?? anonymousForHealthOnly,
    ...(options.requestHeader && { requestHeader: options.requestHeader }),
    ...(options.tokenFile && { tokenFile: options.tokenFile }),
  };
}

/** The components that upstream asks, at their own ports (`pkg/controlplane/instance.go`, `serversToValidate`). */
function componentProbes(storage: Storage): Readonly<Record<string, ComponentProbe>> {
  return {
    scheduler: httpsHealthProbe('127.0.0.1', 10259),
    'controller-manager': httpsHealthProbe('127.0.0.1', 10257),
    'etcd-0': async () => {
      await storage.currentRevision();
      return { healthy: true, message: 'ok' };
    },
  };
}

function endpoints(options: KubeApiServerOptions, tokens: Tokens): NonNullable<ApiServerConfig['endpoints']> {
  const { clock, random, serviceAccounts } = options;
  return ({ authenticator, authorizer, registry }) => ({
    extraResources: {
      ...authenticationHandlers({ tokens: authenticator.tokens, apiAudiences: tokens.audiences, clock }),
      ...authorizationHandlers(authorizer),
      '/componentstatuses': componentStatuses(componentProbes(options.storage)),
    },
    extraSubresources: {
      '/serviceaccounts/token': tokenRequestHandler({
        caches: registry.directory,
        issuer: tokens.issuer,
        apiAudiences: tokens.audiences,
        clock,
        random,
        extendExpiration: serviceAccounts.extendTokenExpiration,
        ...(serviceAccounts.maxTokenExpirationSeconds > 0 && {
          maxExpirationSeconds: serviceAccounts.maxTokenExpirationSeconds,
        }),
      }),
    },
  });
}

/** Every group and version, as the index at `/` lists them. */
function discoveryPaths(registry: DiscoveryRegistry): string[] {
  return registry.groups().flatMap(({ name, versions }) => {
    const root = name === '' ? '/api' : `/apis/${name}`;
    return [...(name === '' ? [] : [root]), ...versions.map(({ version }) => `${root}/${version}`)];
  });
}

/** What a handler that knows only some paths leaves open is not found. */
function orNotFound(handler: (request: ApiRequest) => ApiResult | undefined): Next {
  return (request) => {
    const result = handler(request);
    if (result === undefined)
      throw failure('NotFound', 'the server could not find the requested resource', { details: {} });
    return result;
  };
}

/** The allocators follow the caches from here on, until the server stops. */
function connectAllocation(allocation: ServiceAllocation, { registry, client, server }: ApiServerParts): void {
  allocation.connect({ caches: registry.directory, client });
  server.stopping.addEventListener('abort', () => allocation[Symbol.dispose](), { once: true });
}

function install(options: KubeApiServerOptions, tokens: Tokens): (parts: ApiServerParts) => void {
  const { issuers, jwksUri } = options.serviceAccounts;
  const { address, port } = options.advertise;
  return ({ server }) => {
    const serverAddress = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    const registry = new DiscoveryRegistry();
    const discovery = orNotFound(discoveryHandler({ registry, serverAddress: () => serverAddress }));
    for (const path of ['/api', '/api/', '/apis', '/apis/'])
      server.mux.handle(path, discovery, { listed: !path.endsWith('/') });
    for (const path of discoveryPaths(registry)) server.mux.list(path);
    const openapi = orNotFound(openApiHandler(new OpenApiService({ version: `v${kubernetesVersion}` })));
    for (const path of ['/openapi/v2', '/openapi/v3']) server.mux.handle(path, openapi);
    server.mux.handle('/openapi/v3/', openapi, { listed: false });
    const metadata = openIdMetadata({
      issuer: issuers[0] ?? '',
      keys: tokens.keys,
      ...(jwksUri !== '' && { jwksUri }),
    });
    if (metadata === undefined) return;
    for (const [path, handler] of Object.entries(openIdHandlers(metadata))) server.mux.handle(path, handler);
  };
}

function hooks(options: KubeApiServerOptions): (parts: ApiServerParts) => PostStartHook[] {
  const { advertise, log, requestHeader, trust } = options;
  return ({ registry, client, clock, random }) =>
    bootstrapHooks({
      client,
      caches: registry.directory,
      clock,
      random,
      hostname: options.hostname,
      service: {
        advertiseAddress: advertise.address,
        securePort: advertise.port,
        serviceAddress: options.serviceAddress,
        serviceCIDRs: options.serviceClusterIpRanges,
      },
      trust: {
        clientCA: trust.clientCa,
        requestHeader: requestHeader && { clientCA: trust.frontProxyCa, ...requestHeader },
      },
      rbac: options.authorizationModes.includes('RBAC'),
      standIns: options.standIns,
      onError: (hook, error) => log.warn({ hook, error: String(error) }, 'a post-start hook will be tried again'),
    });
}

/** Puts the server together. Nothing is served before its `start`. Rejects when an option is wrong. */
export async function createKubeApiServer(options: KubeApiServerOptions): Promise<ApiServer> {
  const tokens = tokensOf(options);
  const installPaths = install(options, tokens);
  const allocation = serviceHooks({
    serviceCidrs: options.serviceClusterIpRanges,
    nodePortRange: options.serviceNodePortRange,
    clock: options.clock,
    random: options.random,
    onError: (what, error) => options.log.warn({ what, error: String(error) }, 'an allocation will be repaired later'),
  });
  return await createApiServer({
    clock: options.clock,
    random: options.random,
    log: options.log,
    storage: options.storage,
    ...(options.storageSize && { storageSize: options.storageSize }),
    ...(options.listen && { listen: options.listen }),
    authentication: authentication(options, tokens),
    authorizationModes: options.authorizationModes,
    featureGates: options.featureGates,
    registry: { eventTtlSeconds: options.eventTtlSeconds, hooks: allocation.hooks },
    admission: ({ registry: { directory: caches }, client, authorizer, rbac, featureEnabled }) =>
      admissionPlugins(
        { caches, client, authorizer, rbac, featureEnabled, clock: options.clock, random: options.random },
        options.admission,
      ),
    endpoints: endpoints(options, tokens),
    install: (parts) => {
      installPaths(parts);
      connectAllocation(allocation, parts);
    },
    postStartHooks: hooks(options),
    ...(options.limits && { limits: options.limits }),
  });
}
