/**
 * The published paths and operations of the GA and beta groups, and of the server itself
 * (from the generated table of `packages/api/scripts/generate-openapi.ts`).
 */
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import { json } from '../generated/openapi/paths.ts';
import { lazy } from '../lazy.ts';

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer';
}

export interface OperationDefinition {
  readonly method: string;
  /** `list`, `post`, `connect` and so on; empty for operations that are on no resource. */
  readonly action: string;
  readonly gvk: GroupVersionKind | undefined;
  readonly operationId: string;
  readonly query: readonly QueryParameter[];
  /** Type name; empty without a body. */
  readonly body: string;
  readonly bodyRequired: boolean;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Status code to type name, `string`, or `''` for answers without a schema. */
  readonly responses: Readonly<Record<string, string>>;
}

export interface PathDefinition {
  readonly path: string;
  readonly pathParams: readonly string[];
  readonly operations: readonly OperationDefinition[];
}

/** Method, action, gvk, operation id, query list, body (negated when optional), consumes, produces, responses. */
export type OperationRow = [string, string, number, string, number, number, number, number, number];
export type PathRow = [path: string, pathParams: number, ...operations: OperationRow[]];

/** Lists that repeat are written once; rows hold their indexes. Type 0 and gvk 0 stand for none. */
export interface PathTable {
  readonly gvks: readonly (GroupVersionKind | null)[];
  readonly lists: readonly (readonly string[])[];
  readonly types: readonly string[];
  readonly responses: readonly Readonly<Record<string, number>>[];
  readonly parameters: Readonly<Record<string, QueryParameter['type']>>;
  readonly paths: readonly PathRow[];
}

/** Reads a table; the generator checks itself with it. */
export function readPathTable(table: PathTable): PathDefinition[] {
  const list = (index: number): readonly string[] => table.lists[index] ?? [];
  const type = (index: number): string => table.types[index] ?? '';
  return table.paths.map(([path, pathParams, ...rows]) => ({
    path,
    pathParams: list(pathParams),
    operations: rows.map(([method, action, gvk, operationId, query, body, consumes, produces, responses]) => ({
      method,
      action,
      gvk: table.gvks[gvk] ?? undefined,
      operationId,
      query: list(query).map((name) => ({ name, type: table.parameters[name] ?? 'string' })),
      body: type(Math.abs(body)),
      bodyRequired: body > 0,
      consumes: list(consumes),
      produces: list(produces),
      responses: Object.fromEntries(Object.entries(table.responses[responses] ?? {}).map(([s, t]) => [s, type(t)])),
    })),
  }));
}

const paths = lazy(() => readPathTable(JSON.parse(json) as PathTable));

/** All paths, sorted; those of groups that are off by default too. */
export function pathDefinitions(): readonly PathDefinition[] {
  return paths();
}
