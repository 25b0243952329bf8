/** A control plane that is killed, or runs out of disk: what was acknowledged over the API is there afterwards. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, readKubeconfig, type Answer } from './harness/api-client.ts';
import { Command } from './harness/command.ts';
import { seeded } from './harness/malformed.ts';
import { freePort } from './harness/kubets-process.ts';

let parent: string;
let port: number;

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'kubets-faults-'));
  port = await freePort();
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

async function up(dataDir: string): Promise<Command> {
  const flags = ['--control-plane-only', '--data-dir', dataDir, '--secure-port', String(port)];
  const command = await Command.kubets(['up', ...flags]);
  await command.until('kubectl get namespaces');
  return command;
}

const maps = '/api/v1/namespaces/default/configmaps';

interface Meta {
  readonly name: string;
  readonly resourceVersion: string;
}
interface ConfigMap {
  readonly metadata: Meta;
  readonly data?: Readonly<Record<string, string>>;
}
interface List {
  readonly metadata: Meta;
  readonly items: readonly ConfigMap[];
}

const parse = <T>(answer: Answer): T => JSON.parse(answer.body.toString()) as T;
const revision = (object: { readonly metadata: Meta }): number => Number(object.metadata.resourceVersion);

function body(name: string, value: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });
}

/** What the server has acknowledged, by name; `undefined` for deleted ones. */
class Ledger {
  readonly values = new Map<string, string | undefined>();
  /** Writes under way when the server died: either outcome is right. */
  readonly unsure = new Set<string>();
  highest = 0;

  /** Writes until the connection breaks. */
  async work(client: ApiClient, writer: string): Promise<void> {
    try {
      for (let i = 0; ; i++) await this.#step(client, `${writer}-${i}`, i);
    } catch {
      // The server is gone.
    }
  }

  async #step(client: ApiClient, name: string, i: number): Promise<void> {
    await this.#write(client, { method: 'POST', path: maps, body: body(name, 'first') }, [name, 'first']);
    if (i % 2 === 0)
      await this.#write(client, { method: 'PUT', path: `${maps}/${name}`, body: body(name, 'second') }, [
        name,
        'second',
      ]);
    if (i % 5 === 0) await this.#write(client, { method: 'DELETE', path: `${maps}/${name}` }, [name, undefined]);
  }

  async #write(
    client: ApiClient,
    call: { method: string; path: string; body?: string },
    [name, value]: readonly [string, string | undefined],
  ): Promise<void> {
    this.unsure.add(name);
    const answer = await client.must(call);
    this.unsure.delete(name);
    this.values.set(name, value);
    if (value !== undefined) this.highest = Math.max(this.highest, revision(parse<ConfigMap>(answer)));
  }

  /** What is wrong: acknowledged and not there, there and never written, revisions going back. */
  problems(list: List): string[] {
    const found = new Map(list.items.map((item) => [item.metadata.name, item.data?.['value']]));
    const lost = [...this.values].filter(([name, value]) => !this.unsure.has(name) && found.get(name) !== value);
    const foreign = [...found.keys()].filter(
      (name) => !this.values.has(name) && !this.unsure.has(name) && name !== 'kube-root-ca.crt',
    );
    return [
      ...lost.map(([name, value]) => `${name} is ${found.get(name)}, not ${value}`),
      ...foreign.map((name) => `${name} was never written`),
      ...(revision(list) < this.highest ? [`the list is at ${revision(list)}, behind ${this.highest}`] : []),
    ];
  }
}

/** Follows the config maps by list and watch, resuming at the last revision seen, over all restarts. */
class Follower {
  readonly state = new Map<string, string | undefined>();
  #revision = '';
  #rest = '';

  async resume(client: ApiClient): Promise<void> {
    if (this.#revision === '') {
      const list = parse<List>(await client.must({ method: 'GET', path: maps }));
      for (const item of list.items) this.state.set(item.metadata.name, item.data?.['value']);
      this.#revision = list.metadata.resourceVersion;
    }
    this.#rest = '';
    await client.stream(`${maps}?watch=1&resourceVersion=${this.#revision}`, (chunk) =>
      this.#take(client, chunk.toString()),
    );
  }

  #take(client: ApiClient, text: string): void {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const { type, object } = JSON.parse(line) as { type: string; object: ConfigMap };
      if (type === 'ERROR') {
        // 410: the server's window begins at its start, as upstream's does. Informers list anew then.
        this.#revision = '';
        this.state.clear();
        this.resume(client).catch(() => this.state.clear());
        return;
      }
      this.#revision = object.metadata.resourceVersion;
      if (type === 'DELETED') this.state.delete(object.metadata.name);
      else this.state.set(object.metadata.name, object.data?.['value']);
    }
  }

  get contents(): object {
    return Object.fromEntries(this.state);
  }
}

const kills = Number(process.env['KUBETS_API_KILLS'] ?? 10);

describe('killed under load', () => {
  it(
    `${kills} times: what was acknowledged is there, versions go on, watches resume`,
    async () => {
      const random = seeded(7);
      const dataDir = join(parent, 'data');
      const ledger = new Ledger();
      const follower = new Follower();
      for (let round = 0; round <= kills; round++) {
        await using command = await up(dataDir);
        const client = await ApiClient.connect(readKubeconfig(join(dataDir, 'admin.conf')));
        const list = parse<List>(await client.must({ method: 'GET', path: maps }));
        expect(ledger.problems(list)).toEqual([]);
        // What was unsure is settled now.
        ledger.unsure.clear();
        ledger.values.clear();
        for (const item of list.items) ledger.values.set(item.metadata.name, item.data?.['value']);
        await follower.resume(client);
        const wanted = Object.fromEntries(list.items.map((item) => [item.metadata.name, item.data?.['value']]));
        await expect.poll(() => follower.contents, { timeout: 5000 }).toEqual(wanted);
        const before = ledger.values.size;
        const work = Promise.all(Array.from({ length: 8 }, (_, i) => ledger.work(client, `r${round}-${i}`)));
        await expect.poll(() => ledger.values.size - before, { interval: 2 }).toBeGreaterThan(random() * 200);
        command.child.kill('SIGKILL');
        expect(await command.ended).toBe('SIGKILL');
        await work;
      }
      expect(ledger.values.size).toBeGreaterThan(kills * 10);
    },
    60_000 + kills * 5_000,
  );

  it('at random moments of its first start: starts again', async () => {
    const random = seeded(3);
    for (let i = 0; i < 6; i++) {
      const dataDir = join(parent, `first-${i}`);
      const flags = ['--control-plane-only', '--data-dir', dataDir, '--secure-port', String(port)];
      const command = await Command.kubets(['up', ...flags]);
      await command.until(
        ['data directory', 'store', 'keys and certificates', 'API server'][Math.floor(random() * 4)] ?? '',
      );
      command.child.kill('SIGKILL');
      await command.ended;
      await using again = await up(dataDir);
      expect(again.stderr).toBe('');
    }
  });
});

const canMount = process.getuid?.() === 0;

describe.skipIf(!canMount)('a full disk', () => {
  let mount: string;
  beforeEach((context) => {
    mount = join(parent, 'small');
    spawnSync('mkdir', ['-p', mount]);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount]).status !== 0)
      context.skip('no mounts here');
  });
  afterEach(() => void spawnSync('umount', ['-l', mount]));

  it('at the start is one clear line, and a start later', async () => {
    const filler = join(mount, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
    const dataDir = join(mount, 'data');
    const flags = ['--control-plane-only', '--data-dir', dataDir, '--secure-port', String(port)];
    const command = await Command.kubets(['up', ...flags]);
    expect(await command.ended).toBe(1);
    expect(command.stderr).toMatch(/^kubets: .*(no space left on device|ENOSPC).*\n$/);
    rmSync(filler);
    await using again = await up(dataDir);
    expect(again.stdout).toContain('kubets ready');
  });

  it('at run time is told to writers, spares readers, and is got over', async () => {
    const dataDir = join(mount, 'data');
    writeFileSync(join(mount, 'filler'), Buffer.alloc(3 << 20));
    await using command = await up(dataDir);
    await using client = await ApiClient.connect(readKubeconfig(join(dataDir, 'admin.conf')));
    const written: string[] = [];
    let refusal: Answer | undefined;
    for (let i = 0; refusal === undefined; i++) {
      const answer = await client.send({ method: 'POST', path: maps, body: body(`full-${i}`, 'x'.repeat(20_000)) });
      if (answer.status === 201) written.push(`full-${i}`);
      else refusal = answer;
    }
    expect(written.length).toBeGreaterThan(10);
    expect(parse(refusal)).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable', code: 503 });
    expect(refusal.body.toString()).toContain('no space left on device');
    expect(parse<List>(await client.must({ method: 'GET', path: maps })).items).toHaveLength(written.length + 1);
    rmSync(join(mount, 'filler'));
    await client.must({ method: 'POST', path: maps, body: body('after', 'y') });
    command.child.kill('SIGTERM');
    expect(await command.ended).toBe(0);
    await using _again = await up(dataDir);
    await using second = await ApiClient.connect(readKubeconfig(join(dataDir, 'admin.conf')));
    const names = parse<List>(await second.must({ method: 'GET', path: maps })).items.map((item) => item.metadata.name);
    for (const name of [...written, 'after']) expect(names).toContain(name);
  });
});
