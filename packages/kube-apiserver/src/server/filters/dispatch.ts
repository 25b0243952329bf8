/** The end of the pipeline: resources to their handlers, all other paths to the mux. */
import type { PathMux } from '../mux.ts';
import type { ApiRequest, Next } from '../types.ts';

/**
 * `resources` answers requests for API resources (also unknown ones). Group and version roots
 * (`/api`, `/apis/apps/v1`) are non-resource paths and belong to the mux.
 */
export function dispatch(resources: Next, mux: PathMux): Next {
  return (request: ApiRequest) => (request.info.isResourceRequest ? resources(request) : mux.serve(request));
}
