/** What a write knows of its request, beside the object. */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { addWarning, type ApiRequest, type UserInfo } from '../../server/types.ts';
import type { StrategyContext } from '../strategy.ts';

/** The parts of the server that writes lean on. */
export interface WriteEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  featureEnabled(gate: string): boolean;
}

let lastSecond = Number.NaN;
let lastText = '';

/** RFC 3339 in whole seconds, as metav1.Time is written. Every write asks, thousands of times within a second. */
export function rfc3339Seconds(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** The path of a namespace itself names it twice; it is in none. */
function namespaceOf({ info }: ApiRequest): string {
  return info.resource === 'namespaces' && info.group === '' ? '' : info.namespace;
}

export class WriteContext implements StrategyContext {
  readonly user: UserInfo;
  readonly namespace: string;
  readonly now: string;
  /** Milliseconds since the epoch of {@link now}. */
  readonly nowMs: number;
  readonly dryRun: boolean;
  readonly request: ApiRequest;
  readonly environment: WriteEnvironment;
  /** Audit annotations of admission plugins. */
  readonly annotations = new Map<string, string>();

  constructor(
    environment: WriteEnvironment,
    request: ApiRequest,
    dryRun: boolean,
    namespace: string = namespaceOf(request),
  ) {
    this.environment = environment;
    this.request = request;
    this.user = request.user;
    this.namespace = namespace;
    this.nowMs = environment.clock.now();
    this.now = rfc3339Seconds(this.nowMs);
    this.dryRun = dryRun;
  }

  /** The same request, for an object of this namespace. */
  inNamespace(namespace: string): WriteContext {
    if (namespace === this.namespace) return this;
    return new WriteContext(this.environment, this.request, this.dryRun, namespace);
  }

  featureEnabled(gate: string): boolean {
    return this.environment.featureEnabled(gate);
  }

  warn(text: string): void {
    addWarning(this.request, text);
  }

  annotate(key: string, value: string): void {
    this.annotations.set(key, value);
  }

  warnAll(texts: readonly string[] | undefined): void {
    if (texts !== undefined) for (const text of texts) addWarning(this.request, text);
  }
}
