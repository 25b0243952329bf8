/** The verbs of one collection of the API. What the server refuses is thrown as {@link Refused}. */
import type { ApiClient, Call } from '../harness/api-client.ts';
import type { Draft, Obj } from './cluster.ts';
import { Watching } from './watching.ts';

/** A failure as the server put it. */
export class Refused extends Error {
  readonly code: number;
  readonly reason: string;
  readonly status: Readonly<Record<string, unknown>>;

  constructor(line: string, code: number, body: string) {
    super(`${line}: ${code} ${body.slice(0, 1000)}`);
    this.code = code;
    this.status = body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {};
    this.reason = String(this.status['reason']);
  }
}

export interface List {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly Obj[];
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export type Query = Readonly<Record<string, string>>;

const withQuery = (path: string, query: Query = {}): string => {
  const text = new URLSearchParams(query).toString();
  return text === '' ? path : `${path}?${text}`;
};

export interface WriteOptions {
  readonly subresource?: string;
  readonly query?: Query;
}

export class Collection {
  readonly #client: ApiClient;
  readonly path: string;

  constructor(client: ApiClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  async #json<T>(call: Call): Promise<T> {
    const { status, body } = await this.#client.send(call);
    if (status > 299) throw new Refused(`${call.method} ${call.path}`, status, body.toString());
    return JSON.parse(body.toString()) as T;
  }

  #item(name: string, options: WriteOptions = {}): string {
    const subresource = options.subresource === undefined ? '' : `/${options.subresource}`;
    return withQuery(`${this.path}/${name}${subresource}`, options.query);
  }

  create(body: Draft, query?: Query): Promise<Obj> {
    return this.#json({ method: 'POST', path: withQuery(this.path, query), body: JSON.stringify(body) });
  }

  /** Creates at a subresource of one object: bindings, evictions, tokens. */
  createAt(name: string, subresource: string, body: Draft): Promise<Obj> {
    return this.#json({ method: 'POST', path: this.#item(name, { subresource }), body: JSON.stringify(body) });
  }

  get(name: string, subresource?: string): Promise<Obj> {
    return this.#json({ method: 'GET', path: this.#item(name, { subresource }) });
  }

  list(query?: Query): Promise<List> {
    return this.#json({ method: 'GET', path: withQuery(this.path, query) });
  }

  replace(body: Obj, options?: WriteOptions): Promise<Obj> {
    return this.#json({
      method: 'PUT',
      path: this.#item(body.metadata.name, options),
      body: JSON.stringify(body),
    });
  }

  patch(name: string, type: keyof typeof patchTypes, body: unknown, options?: WriteOptions): Promise<Obj> {
    return this.#json({
      method: 'PATCH',
      path: this.#item(name, options),
      contentType: patchTypes[type],
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  apply(body: Draft & { metadata: { name: string } }, query: Query, subresource?: string): Promise<Obj> {
    return this.patch(body.metadata.name, 'apply', body, { query, subresource });
  }

  delete(name: string, options?: Draft): Promise<Obj> {
    const body = options === undefined ? {} : { body: JSON.stringify(options) };
    return this.#json({ method: 'DELETE', path: this.#item(name), ...body });
  }

  deleteCollection(query: Query): Promise<Obj> {
    return this.#json({ method: 'DELETE', path: withQuery(this.path, query) });
  }

  watch(query: Query = {}): Promise<Watching> {
    return Watching.open(this.#client, withQuery(this.path, { ...query, watch: 'true' }));
  }
}
