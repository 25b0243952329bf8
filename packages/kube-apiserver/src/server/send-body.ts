/** Writes a body: at once when it is small, with backpressure when it is large, compressed when asked for. */
import { constants, createGzip } from 'node:zlib';
import type { EncodeEnvironment } from './encode-environment.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';
import type { ApiRequest } from './types.ts';

/** Bytes to send: their number, and themselves in chunks of a size fit for one write each. */
export interface ByteSource {
  readonly size: number;
  /** `next(true)` gives back the chunk before: it has been written out, and may be overwritten. */
  chunks(): ChunkIterator;
}

export type ChunkIterator = Iterator<Uint8Array, void, boolean | undefined>;

export interface Answer {
  readonly request: ApiRequest;
  readonly sink: ResponseSink;
  readonly status: number;
  readonly headers: HeaderList;
  /** Bytes at hand, or a source of them. */
  readonly body: Uint8Array | ByteSource;
}

/** `defaultGzipThresholdBytes`. */
const gzipThreshold = 128 * 1024;
const chunkBytes = 512 * 1024;

/** Several buffers as one body; small ones are joined. */
export class Pieces implements ByteSource {
  readonly size: number;
  readonly #pieces: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[]) {
    let size = 0;
    for (const piece of pieces) size += piece.length;
    this.size = size;
    this.#pieces = pieces;
  }

  *chunks(): Generator<Uint8Array, void, boolean | undefined> {
    const pieces = this.#pieces;
    let start = 0;
    let size = 0;
    for (let i = 0; i < pieces.length; i++) {
      size += (pieces[i] as Uint8Array).length;
      if (size < chunkBytes && i < pieces.length - 1) continue;
      yield i === start ? (pieces[i] as Uint8Array) : Buffer.concat(pieces.slice(start, i + 1), size);
      start = i + 1;
      size = 0;
    }
  }
}

/** All bytes of a source in one buffer. */
export function bytesOf(source: ByteSource): Buffer {
  const chunks: Uint8Array[] = [];
  const iterator = source.chunks();
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) chunks.push(next.value);
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return Buffer.from(first.buffer, first.byteOffset, first.length);
  return Buffer.concat(chunks, source.size);
}

/** Only GET answers are compressed, and only for who names gzip (`negotiateContentEncoding`). */
function wantsGzip(request: ApiRequest, size: number): boolean {
  if (size <= gzipThreshold || request.method !== 'GET') return false;
  const accepted = request.headers['accept-encoding'];
  return accepted !== undefined && accepted.split(',').some((token) => token.trim() === 'gzip');
}

/** Cuts off a client that takes nothing for too long. */
function waitForDrain(environment: EncodeEnvironment, sink: ResponseSink, resume: () => void): void {
  const timer = environment.clock.setTimer(environment.stalledWatchMs, () => sink.abort());
  sink.onDrain(() => {
    timer.cancel();
    resume();
  });
}

function sendChunks(environment: EncodeEnvironment, sink: ResponseSink, chunks: ChunkIterator, drained = false): void {
  for (let reusable = drained; ; reusable = false) {
    if (sink.closed) return;
    const next = chunks.next(reusable);
    if (next.done === true) {
      sink.end();
      return;
    }
    if (!sink.write(next.value)) {
      waitForDrain(environment, sink, () => sendChunks(environment, sink, chunks, true));
      return;
    }
  }
}

function sendGzip(environment: EncodeEnvironment, answer: Answer, source: ByteSource): void {
  const { sink, headers } = answer;
  headers.push('content-encoding', 'gzip', 'vary', 'Accept-Encoding');
  sink.start(answer.status, headers);
  // zlib works on libuv's threads: the main thread only passes buffers on.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 128 * 1024 });
  const chunks = source.chunks();
  const feed = (): void => {
    for (;;) {
      const next = chunks.next();
      if (next.done === true) {
        gzip.end();
        return;
      }
      if (!gzip.write(next.value)) {
        gzip.once('drain', feed);
        return;
      }
    }
  };
  gzip.on('data', (chunk: Buffer) => {
    if (sink.write(chunk)) return;
    gzip.pause();
    waitForDrain(environment, sink, () => gzip.resume());
  });
  gzip.once('end', () => sink.end());
  gzip.once('error', () => sink.abort());
  sink.onClose(() => gzip.destroy());
  feed();
}

export function sendBody(environment: EncodeEnvironment, answer: Answer): void {
  const { sink, body, request, headers, status } = answer;
  const size = body instanceof Uint8Array ? body.length : body.size;
  environment.metrics?.size(request, size);
  if (wantsGzip(request, size)) {
    sendGzip(environment, answer, body instanceof Uint8Array ? new Pieces([body]) : body);
  } else if (body instanceof Uint8Array) {
    sink.send(status, headers, body);
  } else if (size <= chunkBytes) {
    sink.send(status, headers, bytesOf(body));
  } else {
    headers.push('content-length', String(size));
    sink.start(status, headers);
    sendChunks(environment, sink, body.chunks());
  }
}
