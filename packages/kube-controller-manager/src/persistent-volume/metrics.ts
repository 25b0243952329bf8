/** `pv_collector_*` (upstream `pkg/controller/volume/persistentvolume/metrics/metrics.go`). */
import { storageClassOf } from '@kubets/api/core/helpers/persistent-volume';
import { labelText, type LabelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';
import type { PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';

type Counted<T> = readonly [labels: (object: Readonly<T>) => Readonly<Record<string, string>>, bound?: boolean];

function count<T extends PersistentVolume | PersistentVolumeClaim>(
  objects: readonly Readonly<T>[],
  [labels, bound]: Counted<T>,
): Iterable<readonly [LabelText, number]> {
  const counts = new Map<LabelText, number>();
  for (const object of objects) {
    if (bound !== undefined && bound !== (object.status?.phase === 'Bound')) continue;
    const text = labelText(labels(object));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

const notPlugins: ReadonlySet<string> = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

function pluginOf({ spec = {} }: Readonly<PersistentVolume>): string {
  if (spec.csi !== undefined) return `kubernetes.io/csi:${spec.csi.driver}`;
  const source = Object.keys(spec).find((field) => !notPlugins.has(field)) ?? 'N/A';
  return source === 'local'
    ? 'kubernetes.io/local-volume'
    : `kubernetes.io/${source.replace(/[A-Z]/g, '-$&').toLowerCase()}`;
}

/** Counts volumes and claims whenever metrics are asked for. */
export function registerVolumeMetrics(
  metrics: MetricsRegistry,
  stores: { volumes(): readonly Readonly<PersistentVolume>[]; claims(): readonly Readonly<PersistentVolumeClaim>[] },
): void {
  const add = (name: string, help: string, read: () => Iterable<readonly [LabelText, number]>): void =>
    void metrics.collected({ name: `pv_collector_${name}`, help, type: 'gauge' }, read);
  const ofVolume = (volume: Readonly<PersistentVolume>) => ({ storage_class: storageClassOf(volume) });
  const ofClaim = (claim: Readonly<PersistentVolumeClaim>) => ({
    namespace: claim.metadata.namespace ?? '',
    storage_class: storageClassOf(claim),
    volume_attributes_class: claim.spec?.volumeAttributesClassName ?? '',
  });
  const ofPlugin = (volume: Readonly<PersistentVolume>) => ({
    plugin_name: pluginOf(volume),
    volume_mode: volume.spec?.volumeMode ?? 'Filesystem',
  });
  const { volumes, claims } = stores;
  add('bound_pv_count', 'Gauge measuring number of persistent volume currently bound', () =>
    count(volumes(), [ofVolume, true]),
  );
  add('unbound_pv_count', 'Gauge measuring number of persistent volume currently unbound', () =>
    count(volumes(), [ofVolume, false]),
  );
  add('total_pv_count', 'Gauge measuring total number of persistent volumes', () => count(volumes(), [ofPlugin]));
  add('bound_pvc_count', 'Gauge measuring number of persistent volume claim currently bound', () =>
    count(claims(), [ofClaim, true]),
  );
  add('unbound_pvc_count', 'Gauge measuring number of persistent volume claim currently unbound', () =>
    count(claims(), [ofClaim, false]),
  );
}
