/**
 * The paths that are no API resources: health, metrics, version, discovery, OpenAPI
 * (`apiserver/pkg/server/mux/pathrecorder.go`).
 */
import { failure } from '@kubets/apimachinery/status';
import type { ApiRequest, ApiResult, Next } from './types.ts';

export class PathMux {
  readonly #exact = new Map<string, Next>();
  /** Longest first. */
  #prefixes: { readonly prefix: string; readonly handler: Next }[] = [];
  readonly #listed = new Set<string>();

  /**
   * Serves `path` itself, or, when it ends with a slash, everything below it. Throws when it is
   * taken. With `listed: false` the path does not show up at `/`.
   */
  handle(path: string, handler: Next, options: { listed?: boolean } = {}): void {
    const isPrefix = path.endsWith('/') && path !== '/';
    if (this.#exact.has(path) || this.#prefixes.some((p) => p.prefix === path)) {
      throw new Error(`path ${path} is registered twice`);
    }
    if (isPrefix) {
      this.#prefixes.push({ prefix: path, handler });
      this.#prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
    } else this.#exact.set(path, handler);
    if (options.listed !== false) this.#listed.add(path);
  }

  /** Also shows `path` at `/` although another part of the server answers it. */
  list(path: string): void {
    this.#listed.add(path);
  }

  find(path: string): Next | undefined {
    return this.#exact.get(path) ?? this.#prefixes.find((p) => path.startsWith(p.prefix))?.handler;
  }

  /** Answers, or throws the 404 of an unknown path and the 405 of all methods but GET and HEAD. `/` lists what there is. */
  readonly serve = (request: ApiRequest): ApiResult | Promise<ApiResult> => {
    // All of these paths are for reading; upstream's routes are of GET alone too.
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
    const handler = this.find(request.path);
    if (handler !== undefined) return handler(request);
    if (request.path === '/' || request.path === '/index.html') return this.#index();
    throw pathNotFound();
  };

  #index(): ApiResult {
    const paths = [...this.#listed].toSorted();
    const text = JSON.stringify({ paths }, null, 2);
    return { type: 'bytes', status: 200, contentType: 'application/json', bytes: text };
  }
}

function methodNotAllowed(): Error {
  return failure('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
    details: {},
  });
}

/** `the server could not find the requested resource`, as for any path nobody serves. */
export function pathNotFound(): Error {
  return failure('NotFound', 'the server could not find the requested resource', { details: {} });
}
