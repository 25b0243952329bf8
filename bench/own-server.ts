/** A kubets of the benchmark's own, and what the operating system says of its memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function freePort(): Promise<number> {
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

export class OwnServer implements AsyncDisposable {
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

  static async start(dataDir: string): Promise<OwnServer> {
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
    const nodeFlags = process.env['KUBETS_BENCH_NODE_FLAGS']?.split(' ') ?? [];
    const child = spawn(process.execPath, [...nodeFlags, join(root, 'dist/kubets.mjs'), ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    const seen: string[] = [];
    for await (const line of lines) {
      seen.push(line);
      if (line.includes('kubets ready')) {
        child.stdout.resume();
        return new OwnServer(child, join(dataDir, 'admin.conf'), (performance.now() - started) / 1000);
      }
    }
    throw new Error(`kubets ended before it was ready:\n${seen.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await exited;
  }
}

/** A temporary directory that goes away with its scope. */
export async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'kubets-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
