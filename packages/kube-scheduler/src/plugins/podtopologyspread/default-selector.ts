/** Which pods belong together when a pod does not say (`pkg/scheduler/framework/plugins/helper/spread.go`, `DefaultSelector`). */
import { compileLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';
import { Selector, type Labels } from '@kubets/apimachinery/labels';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Pod } from '@kubets/api/types/core-v1';
import { namespaceIndex, type SharedInformer, type SharedInformerFactory } from '@kubets/client';
import { replicaSets, replicationControllers, services, statefulSets } from '@kubets/client/resources';

interface Selecting extends ApiObject {
  readonly spec?: { readonly selector?: unknown };
}

function selects(selector: Labels, labels: Labels | undefined): boolean {
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}

export class DefaultSelectors {
  readonly #services: SharedInformer<Selecting>;
  readonly #owners: Readonly<Record<string, SharedInformer<Selecting>>>;
  readonly #versions = new Map<string, number>();

  constructor(informers: SharedInformerFactory) {
    const follow = (informer: unknown): SharedInformer<Selecting> => {
      const following = informer as SharedInformer<Selecting>;
      following.addEventHandler({
        onAdd: (object) => this.#changed(object),
        onUpdate: (old, object) => {
          if (JSON.stringify(old.spec?.selector) !== JSON.stringify(object.spec?.selector)) this.#changed(object);
        },
        onDelete: (object) => this.#changed(object),
      });
      return following;
    };
    this.#services = follow(informers.informer(services));
    this.#owners = {
      'v1/ReplicationController': follow(informers.informer(replicationControllers)),
      'apps/v1/ReplicaSet': follow(informers.informer(replicaSets)),
      'apps/v1/StatefulSet': follow(informers.informer(statefulSets)),
    };
  }

  /** Grows when what {@link of} answers for pods of the namespace may be another thing. */
  version(namespace: string): number {
    return this.#versions.get(namespace) ?? 0;
  }

  /** Of the services that select the pod, and of the controller that owns it; selects everything when there is none. */
  of(pod: Readonly<Pod>): Selector {
    const { namespace = '', labels, ownerReferences } = pod.metadata;
    const wanted: Record<string, string> = {};
    for (const service of this.#services.store.byIndex(namespaceIndex, namespace)) {
      const selector = service.spec?.selector as Labels | undefined;
      if (selector !== undefined && Object.keys(selector).length > 0 && selects(selector, labels)) {
        Object.assign(wanted, selector);
      }
    }
    const owner = ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined) return Selector.fromLabels(wanted);
    const kind = `${owner.apiVersion}/${owner.kind}`;
    const selector = this.#owners[kind]?.store.get(`${namespace}/${owner.name}`)?.spec?.selector;
    if (selector === undefined) return Selector.fromLabels(wanted);
    if (owner.kind === 'ReplicationController') return Selector.fromLabels({ ...wanted, ...(selector as Labels) });
    const own = compileLabelSelector(selector as LabelSelector);
    return Selector.fromLabels(wanted).and(...own.requirements);
  }

  #changed({ metadata }: Readonly<ApiObject>): void {
    const { namespace = '' } = metadata;
    this.#versions.set(namespace, this.version(namespace) + 1);
  }
}
