/**
 * The crash test of the embedded store: a child process writes under load and is killed with SIGKILL at
 * a random moment, again and again on the same data.
 *
 *     node test/store-crash.ts [--kills 200] [--dir DIR]
 *
 * After each kill: every acknowledged write and every event that the child's watch saw is there; what
 * else is there is whole; revisions never went back and have no gap; a watch resumed from the last
 * verified revision misses nothing; the consistency checker passes.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { type EmbeddedStore, openEmbeddedStore, type StoredRecord } from '@kubets/etcd';
import { checkStore } from '../packages/etcd/src/testing/check-store.ts';
import { eventKey, eventRevision, RecordingSink } from '../packages/etcd/src/testing/recording-sink.ts';
import { verifyValue } from './store-crash-value.ts';

const childFile = fileURLToPath(new URL('store-crash-child.ts', import.meta.url));

/** What one victim has told before it died. */
interface Told {
  /** Revision → key, of writes acknowledged and of events seen. */
  readonly writes: Map<number, string>;
  readonly deletions: Set<number>;
  acknowledged: number;
  ready: boolean;
}

export interface CrashSummary {
  readonly kills: number;
  readonly acknowledged: number;
  /** Kills that came while the store was opening. */
  readonly whileOpening: number;
  /** Writes found that had not been acknowledged: in flight at the kill. */
  readonly unacknowledged: number;
  readonly revision: number;
  readonly seconds: number;
}

async function runVictim(dataDir: string): Promise<Told> {
  const child = spawn(process.execPath, [childFile, dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.includes('ready')) ready.resolve();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  if (Math.random() < 0.2) await delay(60 + Math.random() * 120);
  else {
    await Promise.race([ready.promise, closed]);
    await delay(Math.random() * 250);
  }
  child.kill('SIGKILL');
  if ((await closed) !== 'SIGKILL') throw new Error(`the victim ended by itself:\n${errors}`);
  if (errors !== '') throw new Error(`the victim complained:\n${errors}`);
  return parse(output);
}

function parse(output: string): Told {
  const told: Told = { writes: new Map(), deletions: new Set(), acknowledged: 0, ready: false };
  // The last line may be cut off.
  for (const line of output.split('\n').slice(0, -1)) {
    const [what, revision, key = '', how] = line.split(' ');
    if (what === 'ready') told.ready = true;
    else if (what === 'ack' || what === 'seen') note(told, what, Number(revision), key);
    else throw new Error(`the victim said: ${line}`);
    if (how === 'delete') told.deletions.add(Number(revision));
  }
  return told;
}

function note(told: Told, what: 'ack' | 'seen', revision: number, key: string): void {
  const known = told.writes.get(revision);
  if (known !== undefined && known !== key) throw new Error(`revision ${revision} is of ${known} and of ${key}`);
  // The sink is called before the promise resolves.
  if (what === 'ack' && known === undefined) throw new Error(`${revision} was acknowledged and not seen`);
  told.writes.set(revision, key);
  if (what === 'ack') told.acknowledged++;
}

/** Verifies the store after a kill; returns its revision and its state for the next round. */
async function verify(dataDir: string, before: { revision: number; state: State }, told: Told) {
  await using store = await openEmbeddedStore({ dataDir, clock: systemClock, compactionIntervalMs: 0 });
  const { revision } = store;
  if (revision < before.revision) throw new Error(`the revision went from ${before.revision} back to ${revision}`);
  const state = await replay(store, before, told);
  const { records } = await store.range('/', '0');
  compareStates(state, records);
  await checkStore(store);
  return { revision, state };
}

type State = Map<string, number>;

/** Resumes the watch from the last verified revision and follows it to the present. */
async function replay(store: EmbeddedStore, before: { revision: number; state: State }, told: Told): Promise<State> {
  const sink = new RecordingSink();
  const watch = store.watch({ start: '/', end: '0', fromRevision: before.revision + 1 }, sink);
  await sink.until(() => sink.error !== undefined || sink.seen >= store.revision);
  watch.cancel();
  if (sink.error !== undefined) throw sink.error;
  const state = new Map(before.state);
  let expected = before.revision;
  for (const event of sink.events) {
    const at = eventRevision(event);
    const key = eventKey(event);
    if (at !== ++expected) throw new Error(`the watch went from ${expected - 1} to ${at}`);
    const acknowledged = told.writes.get(at) ?? key;
    if (acknowledged !== key) throw new Error(`revision ${at} was acknowledged for ${acknowledged}, is of ${key}`);
    if (told.deletions.has(at) && event.type !== 'delete') throw new Error(`the deletion ${at} of ${key} is gone`);
    if (event.type === 'delete') state.delete(key);
    else {
      verifyValue(key, event.record.value);
      state.set(key, at);
    }
  }
  const last = Math.max(0, ...told.writes.keys());
  if (last > store.revision) throw new Error(`revision ${last} was acknowledged, the store is at ${store.revision}`);
  return state;
}

function compareStates(state: State, records: readonly StoredRecord[]): void {
  if (state.size !== records.length) throw new Error(`${records.length} keys, by the events ${state.size}`);
  for (const { key, modRevision, value } of records) {
    if (state.get(key) !== modRevision) throw new Error(`${key} is at ${modRevision}, by the events ${state.get(key)}`);
    verifyValue(key, value);
  }
}

/** Rejects with the first broken promise of the store. */
export async function runCrashes(options: {
  kills: number;
  dataDir: string;
  onKill?: (kill: number, revision: number) => void;
}): Promise<CrashSummary> {
  const start = performance.now();
  let known = { revision: 0, state: new Map() as State };
  let acknowledged = 0;
  let whileOpening = 0;
  let unacknowledged = 0;
  for (let kill = 1; kill <= options.kills; kill++) {
    const told = await runVictim(options.dataDir);
    const before = known.revision;
    known = await verify(options.dataDir, known, told);
    acknowledged += told.acknowledged;
    unacknowledged += known.revision - before - told.acknowledged;
    if (!told.ready) whileOpening++;
    options.onKill?.(kill, known.revision);
  }
  const seconds = (performance.now() - start) / 1000;
  return { kills: options.kills, acknowledged, whileOpening, unacknowledged, revision: known.revision, seconds };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, dir: { type: 'string' } } });
  const dataDir = values.dir ?? mkdtempSync(join(tmpdir(), 'kubets-crash-'));
  const summary = await runCrashes({
    kills: Number(values.kills),
    dataDir,
    onKill: (kill, revision) => {
      if (kill % 20 === 0) console.log(`${kill} kills, revision ${revision}`);
    },
  });
  console.log(summary);
  if (values.dir === undefined) rmSync(dataDir, { recursive: true, force: true });
}

if (import.meta.main) await main();
