import { systemClock as clock, systemRandom as random } from '@kubets/apimachinery/system-clock';
import * as kube from '@kubets/client';
import { configMaps } from '@kubets/client/resources';

const annotation = 'example.com/entries';

/** Notes on every config map how many entries it has, until the signal is aborted. */
export async function countEntries(transport: kube.Transport, signal: AbortSignal): Promise<void> {
  const onError = (_: unknown, text: string): void => console.error(text);
  await using informers = new kube.SharedInformerFactory({ transport, clock, random, onError });
  const informer = informers.informer(configMaps);
  const queue = new kube.WorkQueue<string>({ clock, rateLimiter: kube.defaultControllerRateLimiter(clock) });
  informer.addEventHandler({
    onAdd: (map) => queue.add(kube.keyOf(map)),
    onUpdate: (_, map) => queue.add(kube.keyOf(map)),
  });
  informers.start(signal);
  await informers.waitForCacheSync(signal);
  signal.addEventListener('abort', () => void queue.shutDown(), { once: true });

  const reconcile = async (key: string): Promise<void> => {
    const map = informer.store.get(key);
    const entries = String(Object.keys(map?.data ?? {}).length);
    if (map === undefined || map.metadata.annotations?.[annotation] === entries) return;
    const { namespace, name } = kube.splitKey(key);
    const body = { metadata: { annotations: { [annotation]: entries } } };
    const client = new kube.ResourceClient(transport, configMaps, namespace);
    await client.patch(name, { type: 'application/merge-patch+json', body });
  };
  await kube.runWorkers(queue, 2, { reconcile, onError: (key, error) => console.error(key, error) });
}
