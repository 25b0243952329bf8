/** The logging port of every component; pino's loggers fit it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For tests and for embedding without a log. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
