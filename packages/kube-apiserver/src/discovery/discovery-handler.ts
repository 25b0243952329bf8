/**
 * `/api`, `/apis` and what is below them without a resource
 * (`apiserver/pkg/endpoints/discovery/aggregated/{wrapper,negotiation,etag}.go`).
 */
import { createHash } from 'node:crypto';
import { negotiate } from '../server/negotiate.ts';
import type { ApiRequest, ApiResult } from '../server/types.ts';
import { apiGroupDiscoveryList } from './aggregated-documents.ts';
import type { DiscoveryGroup, DiscoveryRegistry } from './discovery-registry.ts';
import { matchesEtag } from './etag.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './legacy-documents.ts';

type DiscoveryRequest = Pick<ApiRequest, 'path' | 'headers'>;

export interface DiscoveryOptions {
  readonly registry: DiscoveryRegistry;
  /** Host and port at which clients inside the cluster reach this server. */
  readonly serverAddress: () => string;
}

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface LegacyDocument {
  readonly object: object;
  readonly kind: string;
  readonly json: Buffer;
}

interface AggregatedDocument {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** Documents by path, made on first request and dropped when the registry changes. */
class DiscoveryDocuments {
  readonly #options: DiscoveryOptions;
  readonly #legacy = new Map<string, LegacyDocument | undefined>();
  readonly #aggregated = new Map<string, AggregatedDocument>();
  #version = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  #refresh(): void {
    const { version } = this.#options.registry;
    if (version === this.#version) return;
    this.#version = version;
    this.#legacy.clear();
    this.#aggregated.clear();
  }

  legacy(path: string): LegacyDocument | undefined {
    this.#refresh();
    const known = this.#legacy.get(path);
    if (known !== undefined) return known;
    const object = this.#legacyObject(path);
    if (object === undefined) return undefined;
    const made = { object, kind: object['kind'] as string, json: Buffer.from(`${JSON.stringify(object)}\n`) };
    this.#legacy.set(path, made);
    return made;
  }

  #legacyObject(path: string): Record<string, unknown> | undefined {
    const { registry, serverAddress } = this.#options;
    if (path === '/api') return apiVersions(this.#groups('/api')[0], serverAddress());
    if (path === '/apis') return apiGroupList(this.#groups('/apis'));
    const [, root = '', first = '', second, more] = path.split('/');
    if (more !== undefined || first === '') return undefined;
    if (root === 'apis' && second === undefined) {
      const group = registry.groups().find((g) => g.name === first);
      return group && apiGroup(group);
    }
    const named = root === 'apis' || second === undefined;
    const gv =
      named && registry.get(root === 'api' ? { group: '', version: first } : { group: first, version: second ?? '' });
    return gv ? apiResourceList(gv) : undefined;
  }

  aggregated(path: '/api' | '/apis'): AggregatedDocument {
    this.#refresh();
    let document = this.#aggregated.get(path);
    if (document === undefined) {
      const bytes = Buffer.from(JSON.stringify(apiGroupDiscoveryList(this.#groups(path))));
      const etag = `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`;
      this.#aggregated.set(path, (document = { bytes, etag }));
    }
    return document;
  }

  #groups(path: '/api' | '/apis'): readonly DiscoveryGroup[] {
    return this.#options.registry.groups().filter((g) => (g.name === '') === (path === '/api'));
  }
}

/** Answers the discovery paths; `undefined` for all others, and for groups and versions that are not served. */
export function discoveryHandler(options: DiscoveryOptions): (request: DiscoveryRequest) => ApiResult | undefined {
  const documents = new DiscoveryDocuments(options);
  return (request) => {
    const path = request.path.endsWith('/') ? request.path.slice(0, -1) : request.path;
    if ((path === '/api' || path === '/apis') && wantsAggregated(request.headers['accept'])) {
      return serveAggregated(request, documents.aggregated(path));
    }
    if (path !== '/api' && path !== '/apis' && !path.startsWith('/api/') && !path.startsWith('/apis/'))
      return undefined;
    const document = documents.legacy(path);
    return document && serveLegacy(request, document);
  };
}

function serveAggregated(request: DiscoveryRequest, document: AggregatedDocument): ApiResult {
  const headers = { etag: document.etag, vary: 'Accept', 'cache-control': 'public' };
  const notModified = matchesEtag(request.headers['if-none-match'], document.etag);
  return {
    type: 'bytes',
    status: notModified ? 304 : 200,
    contentType: aggregatedType,
    bytes: notModified ? '' : document.bytes,
    headers,
  };
}

/** JSON is at hand; YAML and protobuf are made by the encode step. */
function serveLegacy(request: DiscoveryRequest, document: LegacyDocument): ApiResult {
  const negotiated = negotiate(request.headers['accept'], 'plain');
  if (negotiated?.format === 'json' && !negotiated.pretty) {
    return {
      type: 'bytes',
      status: 200,
      contentType: 'application/json',
      bytes: document.json,
      headers: { vary: 'Accept' },
    };
  }
  const gvk = { group: '', version: 'v1', kind: document.kind };
  return { type: 'object', status: 200, object: document.object, gvk };
}

const aggregatedParameters: Readonly<Record<string, string>> = {
  g: 'apidiscovery.k8s.io',
  v: 'v2',
  as: 'APIGroupDiscoveryList',
};

/** Whether the client's first acceptable choice is the aggregated form in version v2; other versions are gone. */
function wantsAggregated(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('APIGroupDiscoveryList')) return false;
  for (const clause of accept.split(',')) {
    const [range = '', ...parameters] = clause.split(';').map((part) => part.trim());
    if (range !== 'application/json' && range !== 'application/*' && range !== '*/*') continue;
    const pairs = new Map(parameters.map((p) => p.split('=', 2) as [string, string]));
    if (!pairs.has('as') && !pairs.has('g') && !pairs.has('v')) return false;
    if (Object.entries(aggregatedParameters).every(([name, value]) => pairs.get(name) === value)) return true;
  }
  return false;
}
