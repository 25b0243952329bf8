/** The last step of the mutating phase: fields that plugins added go where Go's structs have them. */
import { schemaOf } from '@kubets/api/schema-table';
import { orderLike } from '../../registry/core/pod/struct-order.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

const metadataType = 'meta-v1.ObjectMeta';

/** Types of the specs that plugins add fields to, by `group/resource`. */
const specTypes: ReadonlyMap<string, string> = new Map([
  ['/pods', 'core-v1.PodSpec'],
  ['/nodes', 'core-v1.NodeSpec'],
  ['/persistentvolumeclaims', 'core-v1.PersistentVolumeClaimSpec'],
  ['networking.k8s.io/ingresses', 'networking-v1.IngressSpec'],
]);

const positions = new Map<string, ReadonlyMap<string, number>>();

function positionsOf(type: string): ReadonlyMap<string, number> {
  let known = positions.get(type);
  if (known === undefined) {
    known = new Map(schemaOf(type).fields.map((field, i) => [field.name, i]));
    positions.set(type, known);
  }
  return known;
}

function isOrdered(object: object, type: string): boolean {
  const order = positionsOf(type);
  let last = -1;
  for (const name in object) {
    const at = order.get(name) ?? last;
    if (at < last) return false;
    last = at;
  }
  return true;
}

function restore(object: unknown, type: string): void {
  if (typeof object === 'object' && object !== null && !isOrdered(object, type)) orderLike(object, type);
}

/** Not among the plugins users can switch. Touches only the kinds that the built-in plugins change. */
export const fieldOrder: AdmissionPlugin = {
  name: 'FieldOrder',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  admit(attributes: AdmissionAttributes): void {
    const { object, resource } = attributes;
    if (object === undefined) return;
    const specType = specTypes.get(`${resource.group}/${resource.resource}`);
    if (specType === undefined) return;
    restore(object.metadata, metadataType);
    if (attributes.subresource === '') restore(object['spec'], specType);
  },
};
