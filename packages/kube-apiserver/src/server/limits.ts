/** What the listeners refuse; the defaults are upstream's where upstream has one. */
export interface Limits {
  /** `MaxRequestBodyBytes`: 3 MiB. */
  readonly maxBodyBytes: number;
  /** Go's `DefaultMaxHeaderBytes` is 1 MiB; nothing that clients send comes near. */
  readonly maxHeaderBytes: number;
  /** Path and query together. */
  readonly maxTargetBytes: number;
  readonly maxConnections: number;
  /** `http2.MaxConcurrentStreams` of upstream's secure serving. */
  readonly maxConcurrentStreams: number;
  /** From the first byte of a connection or request to the end of its headers: `ReadHeaderTimeout`, 32 s. */
  readonly headerTimeoutMs: number;
  /** From the request's headers to the end of its body. */
  readonly bodyTimeoutMs: number;
  /** A connection without requests: `IdleTimeout`, 90 s. */
  readonly idleTimeoutMs: number;
  /** HTTP/2: ping after so long without a byte from the client; gone when unanswered for {@link pingTimeoutMs}. */
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** An answer, watches included, whose client takes nothing for so long is cut off. */
  readonly stalledWriteMs: number;
}

export const defaultLimits: Limits = {
  maxBodyBytes: 3 * 1024 * 1024,
  maxHeaderBytes: 64 * 1024,
  maxTargetBytes: 32 * 1024,
  maxConnections: 10_000,
  maxConcurrentStreams: 250,
  headerTimeoutMs: 32_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 90_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 15_000,
  stalledWriteMs: 60_000,
};
