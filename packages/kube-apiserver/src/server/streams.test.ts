import { once } from 'node:events';
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { FakeWatchSource } from './testing/fake-objects.ts';
import { Http2Client } from './testing/test-client.ts';
import { startTestServer } from './testing/test-server.ts';
import type { Next } from './types.ts';

const gvk = { group: '', version: 'v1', kind: 'Pod' };
const watches: Next = () => ({ type: 'watch', gvk, source: new FakeWatchSource() });

/** Rejects when the stream is refused. */
async function openWatch(session: ClientHttp2Session): Promise<ClientHttp2Stream> {
  const stream = session.request({ ':path': '/api/v1/pods?watch=true' });
  stream.resume();
  await once(stream, 'response');
  return stream;
}

describe('streams of one connection', () => {
  it('close to the limit one comes and goes 300 times, and one takes the place of another 300 times', async () => {
    const server = await startTestServer(watches);
    await using _ = server.listener;
    await using client = new Http2Client(server);
    const { session } = client;
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(250);
    await Promise.all(Array.from({ length: 248 }, () => openWatch(session)));
    for (let i = 0; i < 300; i++) (await openWatch(session)).close(constants.NGHTTP2_CANCEL);
    let last = await openWatch(session);
    for (let i = 0; i < 300; i++) {
      last.close(constants.NGHTTP2_CANCEL);
      last = await openWatch(session);
    }
    expect(last.closed).toBe(false);
  });
});
