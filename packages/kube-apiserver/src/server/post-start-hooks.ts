/** What has to be done once the server serves (`apiserver/pkg/server/hooks.go`): each is a health check until done. */
import { StepCheck, type HealthChecks } from '../health/checks.ts';
import type { Log } from '@kubets/apimachinery/log';

export interface PostStartHook {
  /** Shown as `poststarthook/<name>` in the health checks. */
  readonly name: string;
  /** Resolves when its work is done. Rejecting stops the server, as upstream's hooks do. */
  run(signal: AbortSignal): Promise<void>;
}

export class PostStartHooks {
  readonly #hooks: { readonly hook: PostStartHook; readonly check: StepCheck }[] = [];
  readonly #groups: readonly HealthChecks[];
  readonly #log: Log;

  constructor(groups: readonly HealthChecks[], log: Log) {
    this.#groups = groups;
    this.#log = log;
  }

  add(hook: PostStartHook): void {
    const check = new StepCheck(`poststarthook/${hook.name}`);
    this.#hooks.push({ hook, check });
    for (const group of this.#groups) group.add(check);
  }

  /** Runs all at the same time. Rejects with the first failure. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#hooks.map(async ({ hook, check }) => {
        try {
          await hook.run(signal);
          check.done();
        } catch (error) {
          this.#log.error({ hook: hook.name, error: String(error) }, 'a post-start hook failed');
          throw error;
        }
      }),
    );
  }
}
