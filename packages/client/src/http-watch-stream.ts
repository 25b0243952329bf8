/** A watch over an HTTP/2 stream. */
import { constants, type ClientHttp2Stream } from 'node:http2';
import type { JsonLines } from './json-lines.ts';
import { TransportError, type WatchStream, type WatchStreamEvent } from './transport.ts';

/**
 * Throws when a stream that has been read to its end was cut short: a lost connection ends a Node
 * stream without an error, only without its end either.
 */
export function checkComplete(stream: ClientHttp2Stream): void {
  const code = stream.rstCode ?? 0;
  if (code !== 0) throw new Error(`the stream was reset with code ${code}`);
  if (!stream.readableEnded) throw new Error('the connection was lost');
}

export interface HttpWatchStreamOptions {
  readonly lines: JsonLines;
  readonly warnings: readonly string[];
  /** Whoever opened the watch ends it with this. */
  readonly signal: AbortSignal | undefined;
}

export class HttpWatchStream implements WatchStream {
  readonly warnings: readonly string[];
  readonly #stream: ClientHttp2Stream;
  readonly #lines: JsonLines;
  readonly #signal: AbortSignal | undefined;

  constructor(stream: ClientHttp2Stream, options: HttpWatchStreamOptions) {
    this.#stream = stream;
    this.#lines = options.lines;
    this.#signal = options.signal;
    this.warnings = options.warnings;
  }

  /** Throws the signal's reason when aborted, a TransportError when the stream breaks or ends within an event. */
  async *[Symbol.asyncIterator](): AsyncIterator<WatchStreamEvent> {
    try {
      for await (const chunk of this.#stream) {
        for (const value of this.#lines.push(chunk as Buffer)) yield value as WatchStreamEvent;
      }
      checkComplete(this.#stream);
      if (this.#lines.pending) throw new Error('it ended in the middle of an event');
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw new TransportError(`the watch broke off: ${(error as Error).message}`, { cause: error, lost: true });
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stream.closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stream.once('close', resolve);
    this.#stream.close(constants.NGHTTP2_CANCEL);
    await promise;
  }
}
