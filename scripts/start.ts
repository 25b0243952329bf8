/** `npm start -- FLAGS`: bundles if need be, then becomes `kubets up FLAGS`. */
import { build } from './build.ts';
import { nodeFlags } from './node-flags.ts';

const started = performance.now();
const { path, made } = await build();
if (made) process.stdout.write(`bundled the sources into dist/ in ${Math.round(performance.now() - started)} ms\n`);
// The same process goes on as kubets: signals, exit code and terminal need no passing on.
if (process.execve === undefined) throw new Error('kubets needs Linux and Node 24 or newer');
process.execve(process.execPath, [process.execPath, ...nodeFlags, path, 'up', ...process.argv.slice(2)], process.env);
