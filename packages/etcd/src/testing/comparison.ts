/** Drives the embedded store and the reference model through the same random steps and compares them. */
import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import { type Storage, storageErrorCode } from '../storage.ts';
import { checkStore } from './check-store.ts';
import { ModelStorage } from './model-storage.ts';
import { RecordingSink, eventKey } from './recording-sink.ts';
import type { TemporaryStore } from './temporary-store.ts';

/** One step of a run; numbers are reduced to what exists when the step is taken. */
export type Step =
  | { op: 'create' | 'delete' | 'update'; key: number; stale: boolean; lease: number }
  | { op: 'batch'; keys: number[] }
  | { op: 'compact' | 'range'; back: number }
  | { op: 'watch'; back: number; key: number }
  | { op: 'grant' | 'revoke' | 'reopen' | 'drain' };

const key = fc.nat(11);
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: write('create') },
  { weight: 8, arbitrary: write('update') },
  { weight: 5, arbitrary: write('delete') },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('batch' as const), keys: fc.array(key, { maxLength: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('compact' as const), back: fc.nat(12) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('range' as const), back: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('watch' as const), back: fc.nat(30), key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('grant' as const, 'revoke' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('reopen' as const, 'drain' as const) }) },
);

function write(op: 'create' | 'update' | 'delete'): fc.Arbitrary<Step> {
  return fc.record({ op: fc.constant(op), key, stale: fc.boolean(), lease: fc.nat(6) });
}

const keyOf = (n: number): string => `/${'abc'[n % 3]}/${n}`;

/** Runs each step on the store and on the model and compares what they say. */
export class Comparison {
  readonly #subject: TemporaryStore;
  readonly #model: ModelStorage;
  readonly #outcomes: Promise<void>[] = [];
  readonly #watches: { store: RecordingSink; model: RecordingSink }[] = [];
  #leases: number[] = [];
  #serial = 0;

  constructor(subject: TemporaryStore) {
    this.#subject = subject;
    this.#model = new ModelStorage(subject.clock);
  }

  /** Decisions are made in call order by both, so outcomes must agree even when nothing is awaited between. */
  #both(call: (storage: Storage) => Promise<unknown>): void {
    const [real, ideal] = [call(this.#subject.store), call(this.#model)].map(outcome);
    this.#outcomes.push(
      (async () => {
        deepStrictEqual(await real, await ideal);
      })(),
    );
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#outcomes.splice(0));
  }

  async take(step: Step): Promise<void> {
    switch (step.op) {
      case 'create':
      case 'update':
      case 'delete':
        return this.#write(step);
      case 'batch':
        for (const n of step.keys) this.#write({ op: 'create', key: n, stale: false, lease: 6 });
        for (const n of step.keys) this.#write({ op: 'update', key: n, stale: false, lease: 6 });
        return;
      case 'compact':
        await this.#settle();
        this.#both((storage) => compactBack(storage, step.back));
        return this.#settle();
      case 'range':
        return this.#range(step.back);
      case 'watch':
        return this.#watch(step.back, step.key);
      case 'grant':
      case 'revoke':
        return this.#lease(step.op);
      case 'drain':
        await this.#settle();
        return checkStore(this.#subject.store);
      case 'reopen':
        return this.#reopen();
    }
  }

  #write({ op, key: n, stale, lease }: Extract<Step, { key: number; stale: boolean }>): void {
    const name = keyOf(n);
    const value = Buffer.from(`${name} ${this.#serial++}`);
    const options = { lease: this.#leases[lease] ?? 0 };
    const revision = (this.#model.latest(name)?.modRevision ?? 1) - (stale ? 1 : 0);
    if (op === 'create') this.#both((storage) => storage.create(name, value, options));
    else if (op === 'update') this.#both((storage) => storage.update(name, value, revision, options));
    else this.#both((storage) => storage.delete(name, revision));
  }

  async #range(back: number): Promise<void> {
    await this.#settle();
    const revision = Math.max(0, (await this.#model.currentRevision()) - back);
    this.#both((storage) => storage.range('/a/', '/b0', { revision, limit: back % 4 }));
    this.#both((storage) => storage.range(keyOf(back % 12), '', { revision }));
    return this.#settle();
  }

  async #watch(back: number, n: number): Promise<void> {
    await this.#settle();
    const fromRevision = Math.max(1, (await this.#model.currentRevision()) + 2 - back);
    const range = n % 2 === 0 ? { start: '/', end: '0' } : { start: keyOf(n), end: '' };
    const sinks = { store: new RecordingSink(), model: new RecordingSink() };
    this.#subject.store.watch({ ...range, fromRevision }, sinks.store);
    this.#model.watch({ ...range, fromRevision }, sinks.model);
    this.#watches.push(sinks);
  }

  async #lease(op: 'grant' | 'revoke'): Promise<void> {
    await this.#settle();
    const id = this.#leases[0];
    if (op === 'revoke' && id !== undefined) {
      this.#leases = this.#leases.slice(1);
      this.#both((storage) => storage.revokeLease(id));
      return this.#settle();
    }
    const granted = await Promise.all([this.#subject.store.grantLease(60), this.#model.grantLease(60)]);
    deepStrictEqual(granted[0], granted[1]);
    this.#leases.push(granted[0]);
  }

  async #reopen(): Promise<void> {
    await this.#finishWatches();
    const revision = await this.#model.currentRevision();
    const store = await this.#subject.reopen();
    deepStrictEqual(store.revision, revision);
    await checkStore(store);
  }

  async #finishWatches(): Promise<void> {
    await this.#settle();
    const revision = await this.#model.currentRevision();
    for (const { store, model } of this.#watches.splice(0)) {
      await store.until(() => store.error !== undefined || store.seen >= revision || model.seen < revision);
      await store.until(() => store.events.length >= model.events.length || store.error !== undefined);
      deepStrictEqual(storageErrorCode(store.error), storageErrorCode(model.error));
      deepStrictEqual(store.events.map(describeEvent), model.events.map(describeEvent));
    }
  }

  async finish(): Promise<void> {
    await this.#finishWatches();
    await this.#range(0);
    await checkStore(this.#subject.store);
    await this.#reopen();
  }
}

const describeEvent = (event: RecordingSink['events'][number]): string =>
  event.type === 'put'
    ? `put ${eventKey(event)}@${event.record.modRevision} ${Buffer.from(event.record.value)} ${event.record.lease}`
    : `delete ${event.key}@${event.revision}`;

/** The result, or the refusal without its words. Bytes are compared as text. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value ?? null, (name, part: unknown) => (name === 'value' ? textOf(part) : part)));
  try {
    return plain(await promise);
  } catch (error) {
    const { code, current, compactedRevision } = error as {
      code: string;
      current?: unknown;
      compactedRevision: number;
    };
    return { code, current: plain(current), compactedRevision };
  }
}

/** Buffers have been through their toJSON by now. */
function textOf(part: unknown): string {
  const data = (part as { data?: number[] }).data ?? Object.values(part as Record<string, number>);
  return Buffer.from(data).toString();
}

async function compactBack(storage: Storage, back: number): Promise<void> {
  await storage.compact((await storage.currentRevision()) - back);
}
