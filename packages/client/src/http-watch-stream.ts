/** A watch over an HTTP/2 stream. */
import { constants, type ClientHttp2Stream } from 'node:http2';
import type { JsonLines } from './json-lines.ts';
import { TransportError, type WatchStream, type WatchStreamEvent } from './transport.ts';

export class HttpWatchStream implements WatchStream {
  readonly #stream: ClientHttp2Stream;
  readonly #lines: JsonLines;

  constructor(stream: ClientHttp2Stream, lines: JsonLines) {
    this.#stream = stream;
    this.#lines = lines;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WatchStreamEvent> {
    try {
      for await (const chunk of this.#stream) {
        for (const value of this.#lines.push(chunk as Buffer)) yield value as WatchStreamEvent;
      }
    } catch (error) {
      throw new TransportError(`the watch broke off: ${(error as Error).message}`, { cause: error });
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
