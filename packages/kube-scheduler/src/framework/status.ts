/** What a plugin answers (upstream `staging/src/k8s.io/kube-scheduler/framework/interface.go`, `Status`). */

/**
 * - `Success`: as if nothing had been returned.
 * - `Error`: something went wrong inside; the pod is tried again with back-off. Throwing means the same.
 * - `Unschedulable`: not now; preemption may help.
 * - `UnschedulableAndUnresolvable`: not now, and removing pods from the node would change nothing.
 * - `Wait`: from Permit: somebody has to allow the pod first.
 * - `Skip`: from Bind: leave it to the next one; from PreFilter and PreScore: the plugin's Filter, Score need not be called;
 *   from PostFilter: nothing done.
 * - `Pending`: from Reserve, PreBind and PreFilter: the pod waits for something of its own to happen: no back-off penalty.
 */
export type Code = 'Success' | 'Error' | 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Wait' | 'Skip' | 'Pending';

/** Immutable, except for `plugin`, which the framework fills in. Plugins return undefined for success. */
export class Status {
  readonly code: Code;
  /** As users read them in `0/3 nodes are available: 3 <reason>`. */
  readonly reasons: readonly string[];
  readonly error: unknown;
  /** Who said so; '' until the framework has filled it in. */
  plugin = '';

  constructor(code: Code, reasons: readonly string[] = [], error?: unknown) {
    this.code = code;
    this.reasons = reasons;
    this.error = error;
  }

  static unschedulable(...reasons: string[]): Status {
    return new Status('Unschedulable', reasons);
  }

  static unresolvable(...reasons: string[]): Status {
    return new Status('UnschedulableAndUnresolvable', reasons);
  }

  static error(error: unknown): Status {
    return new Status('Error', [error instanceof Error ? error.message : String(error)], error);
  }

  static skip(): Status {
    return new Status('Skip');
  }

  static pending(...reasons: string[]): Status {
    return new Status('Pending', reasons);
  }

  /** For Permit. */
  static wait(...reasons: string[]): Status {
    return new Status('Wait', reasons);
  }

  /** The pod does not fit, for a reason the cluster may change (`Status.IsRejected`). */
  get rejected(): boolean {
    return this.code === 'Unschedulable' || this.code === 'UnschedulableAndUnresolvable' || this.code === 'Pending';
  }

  /** The reasons in one line. */
  get message(): string {
    return this.reasons.join(', ');
  }

  /** The same status, said by a plugin. */
  by(plugin: string): this {
    this.plugin = plugin;
    return this;
  }
}

/** Whether a status lets things go on: undefined and `Success`. */
export function isSuccess(status: Status | undefined): status is undefined {
  return status === undefined || status.code === 'Success';
}
