/**
 * Named health checks (`apiserver/pkg/server/healthz/healthz.go`). A group of checks is one of
 * `/healthz`, `/livez`, `/readyz`.
 */
import { pathNotFound } from '../server/mux.ts';
import type { ApiRequest, ApiResult } from '../server/types.ts';
import type { Log } from '@kubets/apimachinery/log';

export interface HealthCheck {
  readonly name: string;
  /** Throws or rejects when not healthy; the message goes to the log only (and to the check's own path). */
  check(): void | Promise<void>;
}

export type HealthGroup = 'healthz' | 'livez' | 'readyz';

interface Outcome {
  readonly name: string;
  readonly error: Error | undefined;
}

async function run(check: HealthCheck): Promise<Outcome> {
  try {
    await check.check();
    return { name: check.name, error: undefined };
  } catch (error) {
    return { name: check.name, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function text(status: number, body: string): ApiResult {
  return {
    type: 'bytes',
    status,
    contentType: 'text/plain; charset=utf-8',
    bytes: body,
    headers: { 'x-content-type-options': 'nosniff' },
  };
}

/** `?exclude=a&exclude=b`; quotes around a name are taken off. */
function excludedNames(request: ApiRequest): Set<string> {
  return new Set(request.query.getAll('exclude').map((name) => name.replaceAll('"', '')));
}

/** Told of every run of a check. */
export type HealthObserver = (name: string, group: HealthGroup, healthy: boolean) => void;

export class HealthChecks {
  readonly group: HealthGroup;
  readonly #checks: HealthCheck[] = [];
  readonly #log: Log;
  readonly #observe: HealthObserver | undefined;

  constructor(group: HealthGroup, log: Log, observe?: HealthObserver) {
    this.group = group;
    this.#log = log;
    this.#observe = observe;
  }

  async #run(check: HealthCheck): Promise<Outcome> {
    const outcome = await run(check);
    this.#observe?.(check.name, this.group, outcome.error === undefined);
    return outcome;
  }

  /** Checks are run and shown in the order in which they were added. */
  add(...checks: readonly HealthCheck[]): void {
    this.#checks.push(...checks);
  }

  /** Answers `/livez` and `/livez/<check>`. */
  readonly serve = (request: ApiRequest): Promise<ApiResult> | ApiResult => {
    const root = `/${this.group}`;
    if (request.path === root || request.path === `${root}/`) return this.#all(request);
    const name = request.path.slice(root.length + 1);
    const check = this.#checks.find((c) => c.name === name);
    if (check === undefined) throw pathNotFound();
    return this.#one(check);
  };

  async #one(check: HealthCheck): Promise<ApiResult> {
    const { error } = await this.#run(check);
    return error === undefined ? text(200, 'ok') : text(500, `internal server error: ${error.message}\n`);
  }

  async #all(request: ApiRequest): Promise<ApiResult> {
    const excluded = excludedNames(request);
    const outcomes = await Promise.all(this.#checks.filter((c) => !excluded.has(c.name)).map((c) => this.#run(c)));
    const failed = outcomes.filter((o) => o.error !== undefined);
    if (failed.length === 0 && !request.query.has('verbose')) return text(200, 'ok');
    const lines = this.#checks.map((check) => lineOf(check.name, excluded, outcomes));
    const unknown = [...excluded].filter((name) => !this.#checks.some((c) => c.name === name));
    if (unknown.length > 0) lines.push(excludeWarning(unknown));
    if (failed.length === 0) return text(200, `${lines.join('\n')}\n${this.group} check passed\n`);
    this.#logFailure(failed);
    return text(500, `${lines.join('\n')}\n${this.group} check failed\n`);
  }

  #logFailure(failed: readonly Outcome[]): void {
    const reasons = failed.map((o) => `${o.name}: ${o.error?.message ?? ''}`);
    this.#log.info({ failed: reasons }, `${this.group} check failed`);
  }
}

function lineOf(name: string, excluded: ReadonlySet<string>, outcomes: readonly Outcome[]): string {
  if (excluded.has(name)) return `[+]${name} excluded: ok`;
  const outcome = outcomes.find((o) => o.name === name);
  // The reason may hold what anonymous callers must not learn.
  return outcome?.error === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
}

function excludeWarning(names: readonly string[]): string {
  const list = names.map((name) => JSON.stringify(name)).join(',');
  return `warn: some health checks cannot be excluded: no matches for ${list}`;
}

/** A check that fails until it is told that its work is done: start-up steps. */
export class StepCheck implements HealthCheck {
  readonly name: string;
  #done = false;

  constructor(name: string) {
    this.name = name;
  }

  done(): void {
    this.#done = true;
  }

  check(): void {
    if (!this.#done) throw new Error('not finished');
  }
}

export const pingCheck: HealthCheck = { name: 'ping', check() {} };
/** Upstream's tells whether the log has been flushed of late; ours writes through. */
export const logCheck: HealthCheck = { name: 'log', check() {} };
