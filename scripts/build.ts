/**
 * Bundles the command line into dist/: one file starts several times faster than a few hundred.
 *
 * dist/kubets.mjs switches Node's compile cache on (the bundle's code is then not compiled again at
 * each start) and loads main.mjs of the newest dist/bundle-*. Native modules stay outside the bundle.
 */
import { createHash } from 'node:crypto';
import { glob, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDescriptions } from '../packages/api/scripts/openapi-descriptions.ts';
import { isPublished, publishBundle, replaceFile } from './publish-bundle.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

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

async function bundleInto(folder: string): Promise<void> {
  const { build: bundle } = await import('esbuild');
  await bundle({
    entryPoints: { main: join(root, 'packages/kubets/src/main.ts') },
    outdir: folder,
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
}

/**
 * Makes dist/ unless it is up to date. Resolves to the path to run, and whether it was made now.
 * Processes that run from an earlier build go on undisturbed.
 */
export async function build(): Promise<{ path: string; made: boolean }> {
  const path = join(dist, 'kubets.mjs');
  const stamp = await sourceStamp();
  if (await isPublished(path, stamp)) return { path, made: false };
  const make = async (folder: string): Promise<void> => {
    await bundleInto(folder);
    // Not in the bundle's folder: it is looked for where it also is when the sources run as they are.
    await replaceFile(join(dist, 'openapi-descriptions.json'), writeDescriptions);
  };
  await publishBundle(path, { dist, stamp, make });
  return { path, made: true };
}

if (import.meta.main) {
  const { path, made } = await build();
  process.stdout.write(`${made ? 'built' : 'up to date:'} ${path}\n`);
}
