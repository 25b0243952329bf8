/** A listener on a free port with a pipeline of the test's choice. */
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import type { Clock } from '@kubets/apimachinery/clock';
import type { EncodeEnvironment, ObjectCodecs } from '../encode-environment.ts';
import type { Limits } from '../limits.ts';
import { Listener } from '../listener.ts';
import { silentLog } from '@kubets/apimachinery/log';
import { createRequestHandler } from '../server.ts';
import type { Next } from '../types.ts';
import { testPki } from './certificates.ts';

export const plainCodecs: ObjectCodecs = {
  printerFor: () => undefined,
  protobufOf: () => undefined,
  toYaml: (object) => JSON.stringify(object),
};

export function testEnvironment(overrides: Partial<EncodeEnvironment> = {}): EncodeEnvironment {
  return {
    codecs: plainCodecs,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    minRequestTimeoutSeconds: 1800,
    stalledWatchMs: 60_000,
    openWatches: new Set(),
    ...overrides,
  };
}

export interface TestServerOptions {
  readonly environment?: Partial<EncodeEnvironment>;
  readonly clock?: Clock;
  readonly limits?: Partial<Limits>;
}

export async function startTestServer(pipeline: Next, options: TestServerOptions = {}) {
  const pki = await testPki();
  const clock = options.clock ?? systemClock;
  const environment = testEnvironment({ clock, ...options.environment });
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    tls: pki.material,
    handler: createRequestHandler(pipeline, environment),
    clock,
    log: environment.log,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const { port } = await listener.start();
  return { listener, port, pki, environment };
}
