/**
 * Small schemas for the tests of this folder, with the list types and pointers of the real kinds.
 */
import type { FieldSchema, ListSchema, MapSchema, ObjectSchema, ScalarSchema, Schema } from '../../schema/types.ts';

export const text: ScalarSchema = { kind: 'scalar', type: 'string', format: '', enum: [] };
export const integer: ScalarSchema = { kind: 'scalar', type: 'integer', format: 'int32', enum: [] };
export const flag: ScalarSchema = { kind: 'scalar', type: 'boolean', format: '', enum: [] };
export const quantity: ScalarSchema = { kind: 'scalar', type: 'string', format: 'quantity', enum: [] };
export const anything: Schema = { kind: 'any', name: 'RawExtension' };

export function field(name: string, schema: Schema, more: Partial<FieldSchema> = {}): FieldSchema {
  const pointer = schema.kind === 'object';
  return { name, schema, required: false, always: false, pointer, patchStrategy: [], patchMergeKey: '', ...more };
}

/** A Go struct that is no pointer: it is there in every object. */
export function struct(name: string, schema: ObjectSchema): FieldSchema {
  return field(name, schema, { pointer: false, always: true });
}

export function object(name: string, fields: readonly FieldSchema[], more: Partial<ObjectSchema> = {}): ObjectSchema {
  const byName = new Map(fields.map((f) => [f.name, f]));
  return { kind: 'object', name, fields, byName, mapType: 'granular', preserveUnknownFields: false, ...more };
}

export function listMap(items: Schema, ...mapKeys: string[]): ListSchema {
  return { kind: 'list', items, listType: 'map', mapKeys };
}

export function setList(items: Schema): ListSchema {
  return { kind: 'list', items, listType: 'set', mapKeys: [] };
}

export function atomicList(items: Schema): ListSchema {
  return { kind: 'list', items, listType: 'atomic', mapKeys: [] };
}

export function map(values: Schema, mapType: MapSchema['mapType'] = 'granular'): MapSchema {
  return { kind: 'map', values, mapType };
}

const owner = object(
  'OwnerReference',
  [field('apiVersion', text), field('kind', text), field('name', text), field('uid', text)],
  {
    mapType: 'atomic',
  },
);

export const objectMeta = object('ObjectMeta', [
  field('name', text),
  field('generateName', text),
  field('namespace', text),
  field('uid', text),
  field('resourceVersion', text),
  field('generation', integer),
  field('creationTimestamp', text),
  field('labels', map(text)),
  field('annotations', map(text)),
  field('ownerReferences', listMap(owner, 'uid')),
  field('finalizers', setList(text)),
  field('managedFields', atomicList(anything)),
]);

const head = [field('kind', text), field('apiVersion', text)];

export const configMap = object('ConfigMap', [
  ...head,
  struct('metadata', objectMeta),
  field('immutable', flag, { pointer: true }),
  field('data', map(text)),
]);

const selector = object('LabelSelector', [field('matchLabels', map(text))], { mapType: 'atomic' });
const containerPort = object('ContainerPort', [
  field('name', text),
  field('containerPort', integer, { required: true, always: true }),
  field('protocol', text, { default: 'TCP' }),
]);
const envVar = object('EnvVar', [field('name', text, { required: true, always: true }), field('value', text)]);
const resources = object('ResourceRequirements', [field('limits', map(quantity)), field('requests', map(quantity))]);

const container = object('Container', [
  field('name', text, { required: true, always: true }),
  field('image', text),
  field('command', atomicList(text)),
  field('ports', listMap(containerPort, 'containerPort', 'protocol')),
  field('env', listMap(envVar, 'name')),
  struct('resources', resources),
]);

const podSpec = object('PodSpec', [
  field('containers', listMap(container, 'name'), { required: true, always: true }),
  field('nodeSelector', map(text, 'atomic')),
  field('hostNetwork', flag),
]);
const template = object('PodTemplateSpec', [struct('metadata', objectMeta), struct('spec', podSpec)]);
const rolling = object('RollingUpdate', [field('maxSurge', integer, { pointer: true })]);
const strategy = object('DeploymentStrategy', [field('type', text), field('rollingUpdate', rolling)]);
const condition = object('Condition', [field('type', text, { always: true }), field('status', text, { always: true })]);

export const deployment = object('Deployment', [
  ...head,
  struct('metadata', objectMeta),
  struct(
    'spec',
    object('DeploymentSpec', [
      field('replicas', integer, { pointer: true }),
      field('selector', selector),
      struct('template', template),
      struct('strategy', strategy),
      field('paused', flag),
    ]),
  ),
  struct(
    'status',
    object('DeploymentStatus', [field('replicas', integer), field('conditions', listMap(condition, 'type'))]),
  ),
]);
