/** A whole registry over the model store, driven by requests as a client would send them. */
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Random } from '@kubets/apimachinery/clock';
import { StatusError, type Status } from '@kubets/apimachinery/status';
import type { Storage } from '@kubets/etcd';
import { ModelStorage } from '@kubets/etcd/testing';
import { requestInfoOf } from '../../server/request-info.ts';
import type { ApiRequest, ApiResult, Next, RequestBody, WatchResultEvent, WatchSource } from '../../server/types.ts';
import { openRegistry, type Registry, type RegistryOptions } from '../resources.ts';
import { makeApiHandler, type ApiHandlerOptions } from '../rest/installer.ts';

export interface Call {
  readonly body?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  readonly user?: string;
  readonly headers?: Record<string, string>;
}

export interface Answer {
  readonly status: number;
  readonly object: ApiObject & Record<string, unknown>;
  readonly warnings: readonly string[];
  readonly result: ApiResult;
}

/** Counts up: the same names and uids in every run. */
export class CountingRandom implements Random {
  #count = 0;

  float(): number {
    this.#count = (this.#count + 7) % 101;
    return this.#count / 101;
  }

  uuid(): string {
    const digits = String(++this.#count).padStart(12, '0');
    return `00000000-0000-4000-8000-${digits}`;
  }
}

export class ApiFixture implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly storage: Storage;
  readonly registry: Registry;
  readonly #handler: Next;

  constructor(clock: FakeClock, storage: Storage, registry: Registry, handlers: Partial<ApiHandlerOptions>) {
    this.clock = clock;
    this.storage = storage;
    this.registry = registry;
    this.#handler = makeApiHandler({ scopes: registry.scopes, ...handlers });
  }

  static async open(
    options: Partial<RegistryOptions> & { handlers?: Partial<ApiHandlerOptions> } = {},
  ): Promise<ApiFixture> {
    const clock = (options.clock as FakeClock | undefined) ?? new FakeClock();
    const storage = options.storage ?? new ModelStorage(clock);
    const registry = await openRegistry({ random: new CountingRandom(), freeze: true, ...options, storage, clock });
    return new ApiFixture(clock, storage, registry, options.handlers ?? {});
  }

  request(method: string, target: string, call: Call = {}): ApiRequest {
    const [path = '', search = ''] = target.split('?');
    const query = new URLSearchParams(search);
    const contentType = call.contentType ?? 'application/json';
    const body: RequestBody =
      call.text === undefined && call.body === undefined
        ? { type: 'none' }
        : { type: 'bytes', contentType, bytes: Buffer.from(call.text ?? JSON.stringify(call.body)) };
    return {
      method,
      path,
      query,
      headers: { 'content-type': contentType, 'user-agent': 'test/1', ...call.headers },
      peer: { transport: 'in-process', user: { name: call.user ?? 'admin', groups: [] } },
      body: () => body,
      signal: new AbortController().signal,
      receivedAt: this.clock.now(),
      id: 'test',
      info: requestInfoOf({ method, path, query }),
      user: { name: call.user ?? 'admin', groups: [] },
      warnings: [],
      responseHeaders: {},
    };
  }

  /** Sends a request; failures come back as their Status. */
  async call(method: string, target: string, call: Call = {}): Promise<Answer> {
    const request = this.request(method, target, call);
    try {
      const result = await this.#handler(request);
      return { status: statusOf(result), object: objectOf(result), warnings: request.warnings, result };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const object = error.status as unknown as Answer['object'];
      return {
        status: error.status.code ?? 0,
        object,
        warnings: request.warnings,
        result: { type: 'object', status: 0, object },
      };
    }
  }

  /** As {@link call}; throws unless it succeeds. */
  async ok(method: string, target: string, call: Call = {}): Promise<Answer['object']> {
    const answer = await this.call(method, target, call);
    if (answer.status >= 300) throw new Error(`${method} ${target}: ${(answer.object as unknown as Status).message}`);
    return answer.object;
  }

  async watch(target: string): Promise<WatchSource> {
    const { result } = await this.call('GET', target);
    if (result.type !== 'watch') throw new Error(`${target} is no watch: ${JSON.stringify(result)}`);
    return result.source;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
    await this.storage[Symbol.asyncDispose]();
  }
}

function statusOf(result: ApiResult): number {
  return result.type === 'watch' ? 200 : result.status;
}

function objectOf(result: ApiResult): Answer['object'] {
  switch (result.type) {
    case 'cached':
      return JSON.parse(result.entry.json.toString()) as Answer['object'];
    case 'object':
      return JSON.parse(JSON.stringify(result.object)) as Answer['object'];
    case 'list':
      return {
        metadata: {
          resourceVersion: result.resourceVersion,
          ...(result.continue && { continue: result.continue }),
          ...(result.remainingItemCount !== undefined && { remainingItemCount: result.remainingItemCount }),
        },
        items: result.entries.map((entry) => JSON.parse(entry.json.toString()) as ApiObject),
      };
    case 'watch':
    case 'bytes':
      return { metadata: {} };
  }
}

/** An event in a few words: `ADDED a@5`. */
export function eventText(event: WatchResultEvent): string {
  switch (event.type) {
    case 'BOOKMARK':
      return `BOOKMARK ${event.resourceVersion}${event.initialEventsEnd ? ' end' : ''}`;
    case 'ERROR':
      return `ERROR ${(event.status as Status).message}`;
    default:
      return `${event.type} ${event.entry.name}@${event.entry.object.metadata.resourceVersion}`;
  }
}

/** All pending events of a watch. */
export function eventsOf(source: WatchSource): string[] {
  return source.take(10_000).map(eventText);
}
