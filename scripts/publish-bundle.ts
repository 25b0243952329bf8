/**
 * Puts a new bundle in the place of the old one while processes run from it: they load parts of
 * theirs days after they began, so a folder once published neither changes nor goes away at once.
 */
import { randomUUID } from 'node:crypto';
import { glob, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface Bundle {
  /** The folder everything goes to. */
  readonly dist: string;
  /** Names what the bundle is made from: hexadecimal, at least 12 digits. */
  readonly stamp: string;
  /** Fills an empty folder with `main.mjs` and what belongs to it. Not called when that bundle is there already. */
  readonly make: (folder: string) => Promise<void>;
}

/** A build that has been killed leaves its folder behind. */
const abandonedAfterMs = 3600_000;

/** Begins the name of the file by which a process says that it runs from a folder; its number follows. */
const markPrefix = 'used-by-';

function folderOf(stamp: string): string {
  return `bundle-${stamp.slice(0, 12)}`;
}

/**
 * Runs on whatever Node starts it: it says so itself when that one is too old, before newer syntax is
 * loaded. The compile cache belongs to the bundle and goes with it.
 */
function entryOf(stamp: string): string {
  const folder = folderOf(stamp);
  return `#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write('kubets: needs Node 24 or newer, and this is ' + process.version + '\\n');
  process.exit(1);
}
const folder = join(dirname(fileURLToPath(import.meta.url)), '${folder}');
enableCompileCache(join(folder, 'compile-cache'));
try {
  // Builds leave this folder alone as long as the process lives.
  writeFileSync(join(folder, '${markPrefix}' + process.pid), '');
} catch {
  // Installed where this user may not write: nobody builds there either.
}
await import('./${folder}/main.mjs');
// Made from ${stamp}
`;
}

/** What is missing is `undefined`; other errors are thrown. */
async function unlessMissing<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `write` may return a promise. Whoever opens the file sees the whole old or the whole new one. The folder must be on the same file system. */
export async function replaceFile(path: string, write: (temporary: string) => unknown): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await unlessMissing(stat(path))) !== undefined;
}

/** Renames what has been made in a folder of its own: a bundle is there as a whole or not at all. */
async function place({ dist, stamp, make }: Bundle): Promise<void> {
  const target = join(dist, folderOf(stamp));
  if (await exists(target)) return;
  const building = join(dist, `building-${randomUUID()}`);
  await mkdir(building);
  try {
    await make(building);
    await rename(building, target);
  } catch (error) {
    // Another build of the same sources was faster, and its bundle is as good.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process runs from the folder. Marks of processes that have ended go. */
async function isInUse(folder: string): Promise<boolean> {
  let used = false;
  for await (const name of glob(`${markPrefix}*`, { cwd: folder })) {
    if (isAlive(Number(name.slice(markPrefix.length)))) used = true;
    else await rm(join(folder, name), { force: true });
  }
  return used;
}

async function removeOld(dist: string, current: string): Promise<void> {
  const { mtimeMs: now } = await stat(current);
  const bundles: { path: string; mtimeMs: number }[] = [];
  for await (const name of glob(['bundle', 'bundle-*', 'building-*'], { cwd: dist })) {
    const path = join(dist, name);
    const mtimeMs = (await unlessMissing(stat(path)))?.mtimeMs;
    if (mtimeMs === undefined || path === current) continue;
    if (!name.startsWith('building-')) bundles.push({ path, mtimeMs });
    else if (now - mtimeMs > abandonedAfterMs) await rm(path, { recursive: true, force: true });
  }
  const [, ...old] = bundles.toSorted((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path } of old) if (!(await isInUse(path))) await rm(path, { recursive: true, force: true });
}

/** Whether the bundle of this stamp is what the entry runs. */
export async function isPublished(entry: string, stamp: string): Promise<boolean> {
  if ((await unlessMissing(readFile(entry, 'utf8'))) !== entryOf(stamp)) return false;
  return await exists(join(dirname(entry), folderOf(stamp), 'main.mjs'));
}

/**
 * Lets `entry` (a file in `dist`) run the bundle, made unless it is there. The newest bundle besides
 * stays, and those that processes run from; others go. Several may publish at the same time: the
 * entry then runs one of theirs. Rejects with what `make` rejects with, leaving all as it was.
 */
export async function publishBundle(entry: string, bundle: Bundle): Promise<void> {
  const { dist, stamp } = bundle;
  await mkdir(dist, { recursive: true });
  await place(bundle);
  const folder = join(dist, folderOf(stamp));
  await replaceFile(entry, (temporary) => writeFile(temporary, entryOf(stamp), { mode: 0o755 }));
  // One that has been used again is new again.
  const { mtime } = await stat(entry);
  await utimes(folder, mtime, mtime);
  await removeOld(dist, folder);
}
