import { FakeClock } from '@kubets/apimachinery/fake-clock';
import { HttpTransport } from '@kubets/client';
import { transportContract } from '@kubets/client/testing/transport-contract';
import { internalUser } from '@kubets/kube-apiserver/bootstrap/internal-client';
import { startApiServer } from './harness/api-server.ts';
import { FaultyProxy } from './harness/faulty-proxy.ts';

transportContract('in process', async () => {
  const stack = new AsyncDisposableStack();
  const { server } = stack.use(await startApiServer());
  const [transport, direct] = [server.transport(internalUser), server.transport(internalUser)];
  return { transport, direct, [Symbol.asyncDispose]: () => stack.disposeAsync() };
});

transportContract('HTTP/2 over TLS', async () => {
  const stack = new AsyncDisposableStack();
  const { server, port, credentials } = stack.use(await startApiServer());
  const proxy = stack.use(await FaultyProxy.to(port));
  // Time runs fast for the pings, so that a dead connection is noticed within the test.
  const clock = new FakeClock();
  const timer = setInterval(() => clock.advance(200), 5);
  stack.defer(() => clearInterval(timer));
  const url = `https://127.0.0.1:${proxy.port}`;
  const transport = stack.use(new HttpTransport({ server: url, ...credentials, clock }));
  const connection = {
    reset: () => proxy.reset(),
    stall: () => proxy.stallOpen(),
    delay: (ms: number) => proxy.delay(ms),
  };
  const direct = server.transport(internalUser);
  return { transport, direct, connection, [Symbol.asyncDispose]: () => stack.disposeAsync() };
});
