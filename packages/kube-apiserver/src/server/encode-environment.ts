/** What encoding needs from the rest: the codecs and printers of package `api`, time, and the log. */
import type { Printer } from '@kubets/api/printers/printer';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import type { GroupVersionKind } from '@kubets/apimachinery/meta';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import type { Log } from '@kubets/apimachinery/log';

/** The ports to package `api`; a missing one is answered 406. */
export interface ObjectCodecs {
  /** Never undefined in a full server: kinds without columns of their own have Name and Age. */
  printerFor(gvk: GroupVersionKind): Printer | undefined;
  /** The message's bytes, without the envelope. `undefined`: the kind has no protobuf form (custom resources). */
  protobufOf(gvk: GroupVersionKind): ((object: object) => Uint8Array) | undefined;
  toYaml(object: object): string;
}

export interface EncodeEnvironment {
  readonly codecs: ObjectCodecs;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** `--min-request-timeout`: watches without timeoutSeconds last this long, up to twice. */
  readonly minRequestTimeoutSeconds: number;
  /** A watch whose client takes nothing for so long is ended. */
  readonly stalledWatchMs: number;
  readonly metrics?: RequestMetrics | undefined;
  /** The ways to end the watches that are open. */
  readonly openWatches: Set<() => void>;
}
