/** `npm run bench -- scheduler`: pods a second to bound, the API server and the scheduler in one process. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeFlags } from '../scripts/node-flags.ts';
import type { Store } from './scheduler-cluster.ts';
import type { RunOptions, RunResult } from './scheduler-run.ts';
import { shapes } from './scheduler-shapes.ts';

/** The rows of the speed table: upstream's rate on 1,000 nodes of the same machine, and what is to be reached there. */
const headlines: Readonly<Record<string, { readonly upstream: number; readonly target: number }>> = {
  basic: { upstream: 261, target: 1500 },
  spread: { upstream: 141, target: 1000 },
  'preferred-anti-affinity': { upstream: 85, target: 700 },
};
const headlineNodes = [1000, 5000];
const headlinePods = 3000;
/** What is to be left of the rate with five times as many nodes. */
const keptAtScale = 0.7;

const usage = `npm run bench -- scheduler [flags]
  --shapes a,b      these only, with --nodes and --pods; "all" for all of them. Without it: ${Object.keys(headlines).join(', ')}
                    with ${headlinePods} pods on ${headlineNodes.join(' and ')} nodes.
                    Shapes (upstream's name, and the rate that upstream's own tests demand on 5,000 nodes):
${shapes.map(({ name, upstream }) => `                      ${name.padEnd(26)}${upstream}`).join('\n')}
  --nodes N         how many nodes (500)
  --pods N          how many pods are measured (1000); some shapes take fewer, by their nodes
  --arrival WHEN    during: pods come while the scheduler runs; before: they are there when it starts; both (during)
  --store S         embedded: on disk, as kubets has it; memory (embedded)`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** A process of its own for each, with the flags kubets runs with: memory and warmth of the one before do not count. */
async function measure(options: RunOptions): Promise<RunResult> {
  const script = join(import.meta.dirname, 'scheduler-run.ts');
  const args = [...nodeFlags, '--expose-gc', script, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  if (code !== 0) throw new Error(`measuring ${options.shape} ended with ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as RunResult;
}

const number = (value: number, width: number, digits = 0): string => value.toFixed(digits).padStart(width);

const header = `${''.padEnd(34)}${'pods'.padStart(7)}${'pods/s'.padStart(9)}${'CPU µs'.padStart(8)}${'bound p50'.padStart(11)}${'p99 ms'.padStart(9)}${'attempt'.padStart(9)}${'p99 ms'.padStart(8)}${'loop p99'.padStart(10)}${'max ms'.padStart(8)}${'RSS MB'.padStart(8)}`;

function show({ shape, nodes, arrival }: RunOptions, r: RunResult, note: string): void {
  const bound = r.bound === undefined ? ''.padStart(20) : `${number(r.bound.p50, 11)}${number(r.bound.p99, 9)}`;
  const title = `${shape}, ${nodes} nodes${arrival === 'before' ? ', there' : ''}`;
  say(
    `${title.padEnd(34)}${number(r.pods, 7)}${number(r.perSecond, 9)}${number(r.cpuMicros, 8)}${bound}${number(r.attempt.p50, 9, 1)}${number(r.attempt.p99, 8, 1)}${number(r.loop.p99, 10, 1)}${number(r.loop.max, 8, 1)}${number(r.residentMegabytes, 8)}  ${note}`,
  );
}

const verdict = (rate: number, { upstream, target }: { upstream: number; target: number }): string =>
  `${(rate / upstream).toFixed(1)}x upstream, target ${Math.round(target)}/s ${rate >= target ? 'reached' : 'below'}`;

function noteFor({ shape, nodes, pods }: RunOptions, { perSecond }: RunResult): string {
  const headline = headlines[shape];
  if (headline === undefined || pods !== headlinePods || !headlineNodes.includes(nodes)) return '';
  const share = nodes === headlineNodes[0] ? 1 : keptAtScale;
  const wanted = `target ${Math.round(share * headline.target)}/s`;
  if (share === 1) return verdict(perSecond, headline);
  return `${wanted} ${perSecond >= share * headline.target ? 'reached' : 'below'}`;
}

function plan(values: { shapes?: string; nodes: string; pods: string; arrival: string; store: string }): RunOptions[] {
  const arrivals =
    values.arrival === 'both' ? (['during', 'before'] as const) : [values.arrival as RunOptions['arrival']];
  const store = values.store as Store;
  const names = values.shapes === 'all' ? shapes.map(({ name }) => name) : values.shapes?.split(',');
  const unknown = names?.find((name) => !shapes.some((shape) => shape.name === name));
  if (unknown !== undefined) throw new Error(`there is no shape ${unknown}; see --help`);
  const sized = (shape: string, nodes: number, pods: number): RunOptions[] =>
    arrivals.map((arrival) => ({ shape, nodes, pods, arrival, store }));
  if (names !== undefined) return names.flatMap((name) => sized(name, Number(values.nodes), Number(values.pods)));
  return headlineNodes.flatMap((nodes) => Object.keys(headlines).flatMap((name) => sized(name, nodes, headlinePods)));
}

/** Resolves to what was measured, in the order it was. */
export async function main(args: readonly string[]): Promise<readonly (RunOptions & RunResult)[] | undefined> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      shapes: { type: 'string' },
      nodes: { type: 'string', default: '500' },
      pods: { type: 'string', default: '1000' },
      arrival: { type: 'string', default: 'during' },
      store: { type: 'string', default: 'embedded' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    say(usage);
    return undefined;
  }
  say(header);
  const results: (RunOptions & RunResult)[] = [];
  for (const options of plan(values)) {
    const result = await measure(options);
    results.push({ ...options, ...result });
    show(options, result, noteFor(options, result));
  }
  return results;
}
