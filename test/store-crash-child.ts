/**
 * The victim of the crash test: writes at random into the store of argv[2] and tells on standard output
 * what has been acknowledged and what its watch has seen, until it is killed.
 */
import { writeSync } from 'node:fs';
import { openEmbeddedStore } from '@kubets/etcd';
import { systemClock } from '@kubets/apimachinery/system-clock';
import { makeValue } from './store-crash-value.ts';

const dataDir = process.argv[2] ?? '';
const writers = 12;
const keys = 240;

/** One line, whole, before anything else happens: what is told has happened. */
function tell(...words: (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

const store = await openEmbeddedStore({ dataDir, clock: systemClock, compactionIntervalMs: 0 });
const base = store.revision;
store.watch(
  { start: '/', end: '0', fromRevision: base + 1 },
  {
    onEvents: (events) => {
      for (const event of events) {
        if (event.type === 'put') tell('seen', event.record.modRevision, event.record.key);
        else tell('seen', event.revision, event.key);
      }
    },
    onProgress: () => {},
    onEnd: (error) => tell('ended', error.message),
  },
);
tell('ready', base);

async function writeOnce(writer: number, serial: number): Promise<void> {
  const key = `/registry/things/${Math.floor(Math.random() * keys)}`;
  const value = makeValue(key, `${process.pid}-${writer}-${serial}`, Math.floor(Math.random() * 9000));
  const current = store.latest(key);
  try {
    if (current === undefined) tell('ack', await store.create(key, value), key, 'put');
    else if (Math.random() < 0.2) tell('ack', await store.delete(key, current.modRevision), key, 'delete');
    else tell('ack', await store.update(key, value, current.modRevision), key, 'put');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'conflict' && code !== 'exists' && code !== 'not-found') throw error;
  }
}

async function writer(number: number): Promise<void> {
  for (let serial = 0; ; serial++) await writeOnce(number, serial);
}

/** Never beyond what the parent has verified, so that it can resume its watch. */
async function compactor(): Promise<void> {
  const done = await store.compactedRevision();
  if (base > done && Math.random() < 0.7) await store.compact(base);
}

await Promise.all([...Array.from({ length: writers }, (_, i) => writer(i)), compactor()]);
