/** What connections of both protocol versions share. */
import type { Socket } from 'node:net';
import type { Clock } from '@kubets/apimachinery/clock';
import type { Limits } from './limits.ts';
import type { Log } from '@kubets/apimachinery/log';
import type { RequestHandler } from './request-handler.ts';
import type { Peer } from './types.ts';

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  readonly handler: RequestHandler;
  /** Cached per connection. */
  readonly peerOf: (socket: Socket) => Peer;
}
