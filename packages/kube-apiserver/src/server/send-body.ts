/** Writes a body made of pieces: at once when it is small, with backpressure when it is large, compressed when asked for. */
import { constants, createGzip } from 'node:zlib';
import type { EncodeEnvironment } from './encode-environment.ts';
import type { HeaderList, ResponseSink } from './response-sink.ts';
import type { ApiRequest } from './types.ts';

export interface Body {
  readonly request: ApiRequest;
  readonly sink: ResponseSink;
  readonly status: number;
  readonly headers: HeaderList;
  readonly pieces: readonly Uint8Array[];
}

/** `defaultGzipThresholdBytes`. */
const gzipThreshold = 128 * 1024;
/** Pieces are joined to chunks of about this size: few writes, no second copy of a large list in memory. */
const chunkBytes = 512 * 1024;

function sizeOf(pieces: readonly Uint8Array[]): number {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  return size;
}

/** Only GET answers are compressed, and only for who names gzip (`negotiateContentEncoding`). */
function wantsGzip(request: ApiRequest, size: number): boolean {
  if (size <= gzipThreshold || request.method !== 'GET') return false;
  const accepted = request.headers['accept-encoding'];
  return accepted !== undefined && accepted.split(',').some((token) => token.trim() === 'gzip');
}

/** Joins small pieces; yields chunks ready to write. */
export function* chunksOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
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

/** Cuts off a client that takes nothing for too long. */
function waitForDrain(environment: EncodeEnvironment, sink: ResponseSink, resume: () => void): void {
  const timer = environment.clock.setTimer(environment.stalledWatchMs, () => sink.abort());
  sink.onDrain(() => {
    timer.cancel();
    resume();
  });
}

function sendChunks(environment: EncodeEnvironment, sink: ResponseSink, chunks: Iterator<Uint8Array>): void {
  for (;;) {
    if (sink.closed) return;
    const next = chunks.next();
    if (next.done === true) {
      sink.end();
      return;
    }
    if (!sink.write(next.value)) {
      waitForDrain(environment, sink, () => sendChunks(environment, sink, chunks));
      return;
    }
  }
}

function sendGzip(environment: EncodeEnvironment, body: Body): void {
  const { sink, headers } = body;
  headers.push('content-encoding', 'gzip', 'vary', 'Accept-Encoding');
  sink.start(body.status, headers);
  // zlib works on libuv's threads: the main thread only passes buffers on.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 128 * 1024 });
  const chunks = chunksOf(body.pieces);
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

export function sendBody(environment: EncodeEnvironment, body: Body): void {
  const { sink, pieces } = body;
  const size = sizeOf(pieces);
  environment.metrics?.size(body.request, size);
  if (wantsGzip(body.request, size)) {
    sendGzip(environment, body);
  } else if (size <= chunkBytes) {
    sink.send(body.status, body.headers, pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, size));
  } else {
    body.headers.push('content-length', String(size));
    sink.start(body.status, body.headers);
    sendChunks(environment, sink, chunksOf(pieces));
  }
}
