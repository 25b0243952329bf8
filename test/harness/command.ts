/** The `kubets` command as a user runs it: its output, its exit code, nothing assumed to succeed. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { build } from '../../scripts/build.ts';

export class Command implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #waiting = new Set<() => void>();
  #over = false;

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#add('stdout', chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#add('stderr', chunk));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#over = true;
        for (const check of this.#waiting) check();
        resolve(code ?? signal ?? -1);
      });
    });
  }

  static run(file: string, args: readonly string[], options: SpawnOptions = {}): Command {
    return new Command(spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }));
  }

  static async kubets(args: readonly string[], options: SpawnOptions = {}): Promise<Command> {
    const { path } = await build();
    return Command.run(process.execPath, [path, ...args], options);
  }

  #add(to: 'stdout' | 'stderr', chunk: Buffer): void {
    this[to] += chunk.toString();
    for (const check of this.#waiting) check();
  }

  /** Resolves when both outputs together hold `text`; rejects when the process ends without it. */
  async until(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = (): void => {
      if (`${this.stdout}${this.stderr}`.includes(text)) resolve();
      else if (this.#over) reject(new Error(`ended without ${JSON.stringify(text)}:\n${this.stdout}${this.stderr}`));
    };
    this.#waiting.add(check);
    check();
    await promise;
    this.#waiting.delete(check);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
