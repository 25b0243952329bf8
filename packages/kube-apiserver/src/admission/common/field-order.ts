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

/** A new object in the right order: taking fields out of one and putting them back would make it slow to read. */
function ordered(object: object, type: string): object {
  const given = object as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const name of positionsOf(type).keys()) {
    const value = given[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
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
    // Callers may hold on to the metadata: these are put right in place.
    if (!isOrdered(object.metadata, metadataType)) orderLike(object.metadata, metadataType);
    const spec = object['spec'];
    if (attributes.subresource !== '' || typeof spec !== 'object' || spec === null) return;
    if (!isOrdered(spec, specType)) object['spec'] = ordered(spec, specType);
  },
};
