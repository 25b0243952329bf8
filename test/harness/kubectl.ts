/** kubectl as users run it, against a kubeconfig. */
import { execFile, execFileSync } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The version of the kubectl on this machine's PATH, e.g. `1.32`; `undefined` when there is none that is new enough. */
export function kubectlVersion(): string | undefined {
  try {
    const text = execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { clientVersion } = JSON.parse(text.toString()) as { clientVersion: { major: string; minor: string } };
    const minor = Number.parseInt(clientVersion.minor, 10);
    return minor >= 27 ? `${clientVersion.major}.${minor}` : undefined;
  } catch {
    // Not installed, or too old to know `-o json`: the caller says that it skips.
    return undefined;
  }
}

export class Kubectl {
  readonly #kubeconfig: string;
  readonly #home: string;

  /** `home`: where kubectl may keep its discovery cache. */
  constructor(kubeconfig: string, home: string) {
    this.#kubeconfig = kubeconfig;
    this.#home = home;
  }

  /** Runs it and resolves whatever its exit code is. */
  run(args: readonly string[], input?: string): Promise<CommandResult> {
    return new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], HOME: this.#home, KUBECONFIG: this.#kubeconfig };
      const child = execFile(
        'kubectl',
        [...args],
        { env, maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.end(input ?? '');
    });
  }

  /** Its standard output; throws with both outputs unless it exits 0. */
  async must(args: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }
}
