/**
 * Every namespace has the certificate by which pods know the API server, in a config map `kube-root-ca.crt`
 * (`pkg/controller/certificates/rootcacertpublisher/publisher.go`).
 */
import type { ConfigMap } from '@kubets/api/types/core-v1';
import { labelText } from '@kubets/apimachinery/metrics';
import { isNotFound, StatusError } from '@kubets/apimachinery/status';
import { configMaps, namespaces } from '@kubets/client/resources';
import type { ControllerContext, ControllerDescriptor } from '../controller.ts';
import { createIfActive, followDefaults, isActive } from '../lib/active-namespaces.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

const defaultWorkers = 1;
const name = 'kube-root-ca.crt';
const annotation = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** The config map as it is to be; `undefined`: it is so. */
function plannedConfigMap(current: Readonly<ConfigMap> | undefined, rootCa: string): ConfigMap | undefined {
  const data = { 'ca.crt': rootCa };
  if (current === undefined) return { metadata: { name, annotations: { [annotation]: description } }, data };
  const { metadata } = current;
  const keys = Object.keys(current.data ?? {});
  const isRight = keys.length === 1 && current.data?.['ca.crt'] === rootCa;
  if (isRight && (metadata.annotations?.[annotation] ?? '') !== '') return undefined;
  const annotations = { ...metadata.annotations, [annotation]: description };
  return { ...current, metadata: { ...metadata, annotations }, data };
}

async function publish(context: ControllerContext, namespace: string, wanted: ConfigMap): Promise<void> {
  const client = context.client.configMaps(namespace);
  if (wanted.metadata.resourceVersion === undefined) return await createIfActive(() => client.create(wanted));
  try {
    await client.update(wanted);
  } catch (error) {
    // Deleted meanwhile: the event brings us back.
    if (!isNotFound(error)) throw error;
  }
}

/** From 1 ms, doubling. */
const buckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** `root_ca_cert_publisher_*` (`rootcacertpublisher/metrics.go`): how each namespace's turn has ended, and how long it took. */
function syncMetrics({ metrics, clock }: ControllerContext): (work: () => Promise<void>) => Promise<void> {
  const total = metrics.counter(
    'root_ca_cert_publisher_sync_total',
    'Number of namespace syncs happened in root ca cert publisher.',
  );
  const duration = metrics.histogram(
    'root_ca_cert_publisher_sync_duration_seconds',
    'Number of namespace syncs happened in root ca cert publisher.',
    buckets,
  );
  return async (work) => {
    const began = clock.monotonic();
    let code = 200;
    try {
      await work();
    } catch (error) {
      code = error instanceof StatusError ? (error.status.code ?? 500) : 500;
      throw error;
    } finally {
      const label = labelText({ code: String(code) });
      total.add(1, label);
      duration.observe((clock.monotonic() - began) / 1000, label);
    }
  };
}

export const rootCaCertificatePublisherController: ControllerDescriptor = {
  name: 'root-ca-certificate-publisher-controller',
  create(context) {
    const { rootCa } = context.options;
    if (rootCa === undefined) {
      context.log.warn({ controller: context.name }, 'no root CA is given (--root-ca-file): it is not published');
      return undefined;
    }
    const queue = context.queue('root_ca_cert_publisher');
    const record = syncMetrics(context);
    const informers = {
      namespaces: context.informers.informer(namespaces),
      defaults: context.informers.informer(configMaps),
    };
    followDefaults(queue, informers, (changed) => changed === name);
    return reconciler(context, {
      queue,
      informers: Object.values(informers),
      workers: workersOf(context, defaultWorkers),
      async reconcile(namespace) {
        const object = informers.namespaces.store.get(namespace);
        if (object === undefined || !isActive(object)) return;
        const wanted = plannedConfigMap(informers.defaults.store.get(`${namespace}/${name}`), rootCa);
        await record(async () => {
          if (wanted !== undefined) await publish(context, namespace, wanted);
        });
      },
    });
  },
};
