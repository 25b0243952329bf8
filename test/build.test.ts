/** A new build does not disturb what runs from the one before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { isPublished, publishBundle } from '../scripts/publish-bundle.ts';
import { temporaryDirectory } from './harness/kubets-process.ts';

const stamps = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64)) as [string, string, string, string];

/** Loads its second part when it is told to, as kubets does when a certificate is about to expire. */
async function makeFake(folder: string, name: string): Promise<void> {
  const main = `process.stdout.write('started ');
    process.stdin.once('data', () => import('./late.mjs').finally(() => process.exit()));`;
  await writeFile(join(folder, 'late.mjs'), `process.stdout.write('late part of ${name}');`);
  await writeFile(join(folder, 'main.mjs'), main);
}

async function publish(dist: string, stamp: string): Promise<void> {
  await publishBundle(join(dist, 'kubets.mjs'), {
    dist,
    stamp,
    make: (folder) => makeFake(folder, stamp[0] as string),
  });
}

async function folders(dist: string): Promise<string[]> {
  return (await readdir(dist)).filter((name) => name !== 'kubets.mjs').toSorted();
}

const folderOf = (stamp: string): string => `bundle-${stamp.slice(0, 12)}`;

describe('build', () => {
  it('a part of the bundle that a process runs from is loaded however many builds later', async () => {
    await using directory = await temporaryDirectory();
    const dist = directory.path;
    await publish(dist, stamps[0]);
    const child = spawn(process.execPath, [join(dist, 'kubets.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [started] = (await once(child.stdout, 'data')) as [Buffer];
    for (const stamp of [stamps[1], stamps[2], stamps[3]]) await publish(dist, stamp);
    expect(await folders(dist)).toEqual([folderOf(stamps[0]), folderOf(stamps[2]), folderOf(stamps[3])]);
    child.stdin.write('go on\n');
    expect(`${started.toString()}${await text(child.stdout)}`).toBe('started late part of a');
    expect(await readFile(join(dist, 'kubets.mjs'), 'utf8')).toContain(folderOf(stamps[3]));
    await publish(dist, stamps[1]);
    expect(await folders(dist)).not.toContain(folderOf(stamps[0]));
  });

  it('the newest two stay, and one that is used again is new', async () => {
    await using directory = await temporaryDirectory();
    const dist = directory.path;
    for (const stamp of [stamps[0], stamps[1], stamps[0], stamps[2]]) await publish(dist, stamp);
    expect(await folders(dist)).toEqual([folderOf(stamps[0]), folderOf(stamps[2])]);
  });

  it('builds at the same time do not harm each other', async () => {
    await using directory = await temporaryDirectory();
    const dist = directory.path;
    await Promise.all([stamps[0], stamps[0], stamps[1], stamps[0], stamps[1]].map((stamp) => publish(dist, stamp)));
    expect(await folders(dist)).toEqual([folderOf(stamps[0]), folderOf(stamps[1])]);
    const entry = join(dist, 'kubets.mjs');
    const published = await Promise.all([stamps[0], stamps[1]].map((stamp) => isPublished(entry, stamp)));
    expect(published.filter(Boolean)).toHaveLength(1);
  });

  it('one that fails leaves everything as it was', async () => {
    await using directory = await temporaryDirectory();
    const dist = directory.path;
    const entry = join(dist, 'kubets.mjs');
    await publish(dist, stamps[0]);
    const make = async (folder: string): Promise<void> => {
      await makeFake(folder, 'broken');
      throw new Error('a source has a mistake');
    };
    await expect(publishBundle(entry, { dist, stamp: stamps[3], make })).rejects.toThrow('a mistake');
    expect(await folders(dist)).toEqual([folderOf(stamps[0])]);
    expect(await isPublished(entry, stamps[0])).toBe(true);
  });
});
