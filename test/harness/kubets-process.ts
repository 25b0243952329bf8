/** A real kubets process for tests and benchmarks, and what the operating system says of its memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from '../../scripts/build.ts';
import { nodeFlags } from '../../scripts/node-flags.ts';

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Resident megabytes of a process on this machine. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

/** CPU seconds a process has used, user and system. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export class KubetsProcess implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly pid: number;
  readonly kubeconfig: string;
  /** From the process's start to its ready line. */
  readonly startSeconds: number;

  private constructor(child: ChildProcess, kubeconfig: string, startSeconds: number) {
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.kubeconfig = kubeconfig;
    this.startSeconds = startSeconds;
  }

  /** Starts `kubets up --control-plane-only` on a free port of the loopback address, and waits for its ready line. */
  static async start(dataDir: string, extraFlags: readonly string[] = []): Promise<KubetsProcess> {
    const { path } = await build();
    const port = await freePort();
    const started = performance.now();
    const flags = [
      'up',
      '--control-plane-only',
      '--data-dir',
      dataDir,
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      `${port}`,
    ];
    const profiling = process.env['KUBETS_NODE_FLAGS']?.split(' ') ?? [];
    const child = spawn(process.execPath, [...nodeFlags, ...profiling, path, ...flags, ...extraFlags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const seen: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      seen.push(line);
      if (line.includes('kubets ready')) {
        child.stdout.resume();
        return new KubetsProcess(child, join(dataDir, 'admin.conf'), (performance.now() - started) / 1000);
      }
    }
    throw new Error(`kubets ended before it was ready:\n${seen.join('\n')}`);
  }

  /** Sends a signal and resolves to the exit code; `undefined` when the signal itself ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | undefined> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null)
      return this.#process.exitCode ?? undefined;
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.#process.once('exit', (code) => resolve(code ?? undefined));
    this.#process.kill(signal);
    return await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A temporary directory that goes away with its scope. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kubets-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
