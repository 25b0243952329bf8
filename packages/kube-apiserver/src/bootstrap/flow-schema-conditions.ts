/**
 * The condition `Dangling` of flow schemas: whether their priority level is missing
 * (`apiserver/pkg/util/flowcontrol/apf_controller.go`, `digestFlowSchemasLocked`).
 */
import type { FlowSchema, FlowSchemaCondition } from '@kubets/api/types/flowcontrol-v1';
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { CacheDirectory, ResourceCache } from '../storage/cache.ts';
import type { InternalClient } from './internal-client.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const flowSchemas = { group, version: 'v1', resource: 'flowschemas' } as const;

/** The schema with the condition it should have; `undefined` when it has it. Pure. */
export function withDangling(schema: Readonly<FlowSchema>, exists: boolean, now: string): FlowSchema | undefined {
  const level = schema.spec?.priorityLevelConfiguration?.name ?? '';
  const status = exists ? 'False' : 'True';
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  const message = exists ? `${what} and it exists` : `${what} but there is no such object`;
  const conditions = schema.status?.conditions ?? [];
  const old = conditions.find((c) => c.type === 'Dangling');
  if (old?.status === status && old.message === message) return undefined;
  const fresh: FlowSchemaCondition = {
    type: 'Dangling',
    status,
    lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
    reason: exists ? 'Found' : 'NotFound',
    message,
  };
  return { ...schema, status: { conditions: [...conditions.filter((c) => c !== old), fresh] } };
}

export interface FlowSchemaConditionsDeps {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
  readonly clock: Clock;
  onError(error: unknown): void;
}

/** Keeps the conditions right, from `start` until disposed. Several servers may do so at the same time. */
export class FlowSchemaConditions implements AsyncDisposable {
  readonly #deps: FlowSchemaConditionsDeps;
  readonly #schemas: ResourceCache;
  readonly #levels: ResourceCache;
  #unsubscribe: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(deps: FlowSchemaConditionsDeps) {
    this.#deps = deps;
    this.#schemas = deps.caches.of(flowSchemas);
    this.#levels = deps.caches.of({ group, resource: 'prioritylevelconfigurations' });
  }

  /** Single use. */
  start(): void {
    this.#unsubscribe = [this.#schemas.subscribe(this.#wake), this.#levels.subscribe(this.#wake)];
    this.#wake();
  }

  readonly #wake = (): void => {
    this.#again = true;
    this.#running ??= this.#run();
  };

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await Promise.all([...this.#schemas.list()].map((entry) => this.#put(entry.object)));
      } catch (error) {
        this.#deps.onError(error);
      }
    }
    this.#running = undefined;
  }

  async #put(object: Readonly<ApiObject>): Promise<void> {
    const schema = object as Readonly<FlowSchema>;
    const exists = this.#levels.get('', schema.spec?.priorityLevelConfiguration?.name ?? '') !== undefined;
    const wanted = withDangling(schema, exists, formatTime(this.#deps.clock.now()));
    if (wanted === undefined) return;
    try {
      await this.#deps.client.updateStatus(flowSchemas, '', structuredClone(wanted) as ApiObject);
    } catch (error) {
      // Somebody was faster; that change wakes us again.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#running;
  }
}
