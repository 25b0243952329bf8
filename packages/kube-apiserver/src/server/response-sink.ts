/** Where an answer goes: one HTTP exchange of either protocol version. */

/** Flat list: name, value, name, value. Names in lower case. */
export type HeaderList = string[];

/**
 * Calls after the client has gone are ignored; nothing here throws. Exactly one of `send`, or
 * `start` … `end`, ends an exchange well; `abort` ends it badly.
 */
export interface ResponseSink {
  /** The whole answer at once. With HEAD requests the body is dropped, its length kept. */
  send(status: number, headers: HeaderList, body: Uint8Array): void;
  /** Begins an answer in pieces. */
  start(status: number, headers: HeaderList): void;
  /** False: more than the sink wants to buffer is waiting; write again after `onDrain`. The chunk is taken either way. */
  write(chunk: Uint8Array): boolean;
  /** Calls back once, when writing makes sense again. Not called when the client goes away. */
  onDrain(callback: () => void): void;
  end(): void;
  /** Breaks the exchange off (RST_STREAM, or the connection with HTTP/1.1). */
  abort(): void;
  /** The client is gone or the answer complete. */
  readonly closed: boolean;
  /** Calls back once when the exchange is over, at once if it is. */
  onClose(callback: () => void): void;
}
