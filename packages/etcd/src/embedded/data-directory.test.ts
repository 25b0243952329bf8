import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStore } from '../testing/check-store.ts';
import { openEmbeddedStore } from './open.ts';

let parent = '';
let dataDir = '';
const open = () => openEmbeddedStore({ dataDir, clock: new FakeClock(), compactionIntervalMs: 0 });

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kubets-dir-'));
  dataDir = join(parent, 'a', 'data');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('the data directory', () => {
  it('is made for its owner alone', async () => {
    await using _store = await open();
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(dataDir))
      expect([file, statSync(join(dataDir, file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  it('is held by one store, in this process too', async () => {
    await using store = await open();
    await store.create('/a', Buffer.from('1'));
    const message = `is in use by process ${process.pid}`;
    await expect(open()).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(message) as string });
    const script = `
      const { openEmbeddedStore } = await import(${JSON.stringify(import.meta.resolve('./open.ts'))});
      await openEmbeddedStore({ dataDir: process.argv[1], clock: undefined }).catch((e) => console.log(e.message));`;
    const other = spawnSync(process.execPath, ['--input-type=module', '-e', script, dataDir], { encoding: 'utf8' });
    expect(other.stdout).toContain(message);
    await store.create('/b', Buffer.from('2'));
  });

  it('is free again after its holder was killed', async () => {
    const script = `
      const { openEmbeddedStore } = await import(${JSON.stringify(import.meta.resolve('./open.ts'))});
      const { systemClock } = await import(${JSON.stringify(import.meta.resolve('@kubets/apimachinery/system-clock'))});
      const store = await openEmbeddedStore({ dataDir: process.argv[1], clock: systemClock });
      await store.create('/a', Buffer.from('1'));
      process.kill(process.pid, 'SIGKILL');`;
    const victim = spawnSync(process.execPath, ['--input-type=module', '-e', script, dataDir], { encoding: 'utf8' });
    expect(victim.signal).toBe('SIGKILL');
    await using store = await open();
    expect((await store.range('/a', '')).count).toBe(1);
    await checkStore(store);
  });

  it('is refused untouched when a newer version made it', async () => {
    await (await open())[Symbol.asyncDispose]();
    const file = join(dataDir, 'format');
    writeFileSync(file, readFileSync(file, 'utf8').replace('1', '2'));
    const before = readFileSync(join(dataDir, 'store.mdb'));
    await expect(open()).rejects.toMatchObject({
      code: 'newer-format',
      message: expect.stringContaining('has format version 2; this version of kubets reads up to 1') as string,
    });
    expect(readFileSync(join(dataDir, 'store.mdb')).equals(before)).toBe(true);
  });

  it('is refused when it holds something else', async () => {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'store.mdb'), 'poetry');
    await expect(open()).rejects.toMatchObject({ code: 'foreign' });
    writeFileSync(join(dataDir, 'format'), 'kubets-store 1\n');
    await expect(open()).rejects.toMatchObject({ code: 'damaged' });
    expect(readFileSync(join(dataDir, 'store.mdb'), 'utf8')).toBe('poetry');
    writeFileSync(join(dataDir, 'format'), 'poetry');
    await expect(open()).rejects.toMatchObject({ code: 'foreign' });
  });

  it('is refused clearly when it cannot be written', async () => {
    writeFileSync(join(parent, 'a'), '');
    await expect(open()).rejects.toMatchObject({
      code: 'not-writable',
      message: expect.stringMatching(/data directory .*\/a\/data cannot be written: .*(ENOTDIR|EEXIST)/) as string,
    });
    dataDir = '/proc/kubets';
    await expect(open()).rejects.toMatchObject({ code: 'not-writable' });
  });
});
