/**
 * Bundles the command line into dist/: one file starts several times faster than a few hundred.
 *
 * dist/kubets.mjs switches Node's compile cache on (the bundle's code is then not compiled again at
 * each start) and loads dist/chunks/main.mjs. Native modules stay outside the bundle.
 */
import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDescriptions } from '../packages/api/scripts/openapi-descriptions.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stampFile = join(dist, 'bundle.stamp');

/** Runs on whatever Node starts it: it says so itself when that one is too old, before newer syntax is loaded. */
const entry = `#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write('kubets: needs Node 24 or newer, and this is ' + process.version + '\\n');
  process.exit(1);
}
enableCompileCache(join(dirname(fileURLToPath(import.meta.url)), 'compile-cache'));
await import('./bundle/main.mjs');
`;

/** Changes whenever a source file, this script or the lock file does. */
async function sourceStamp(): Promise<string> {
  const hash = createHash('sha256');
  const patterns = ['packages/*/src/**/*.{ts,json}', 'packages/*/scripts/*.ts', 'scripts/*.ts', 'package-lock.json'];
  const files = (await Array.fromAsync(glob(patterns, { cwd: root }))).toSorted();
  for (const file of files) {
    if (file.endsWith('.test.ts')) continue;
    const { mtimeMs, size } = await stat(join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

async function isFresh(stamp: string): Promise<boolean> {
  try {
    return (await readFile(stampFile, 'utf8')) === stamp;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes dist/ unless it is up to date. Resolves to the path to run, and whether it was made now. */
export async function build(): Promise<{ path: string; made: boolean }> {
  const path = join(dist, 'kubets.mjs');
  const stamp = await sourceStamp();
  if (await isFresh(stamp)) return { path, made: false };
  const { build: bundle } = await import('esbuild');
  await rm(join(dist, 'bundle'), { recursive: true, force: true });
  await rm(join(dist, 'compile-cache'), { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  await bundle({
    entryPoints: { main: join(root, 'packages/kubets/src/main.ts') },
    outdir: join(dist, 'bundle'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    legalComments: 'linked',
    logLevel: 'warning',
    // Native, or loading files of their own beside themselves.
    external: ['lmdb'],
    banner: {
      // CommonJS dependencies inside the bundle ask for Node's own modules with require.
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  writeDescriptions(join(dist, 'openapi-descriptions.json'));
  await writeFile(path, entry, { mode: 0o755 });
  await writeFile(stampFile, stamp);
  return { path, made: true };
}

if (import.meta.main) {
  const { path, made } = await build();
  process.stdout.write(`${made ? 'built' : 'up to date:'} ${path}\n`);
}
