/** Builds the protobuf form of each type from the generated tables, on demand and once each. */
import type { ProtoField, ProtoMessage, ProtoScalar, ProtoType } from '@kubets/apimachinery/codec/proto-types';
import { lazy } from './lazy.ts';
import { refId, typeTable, type Row } from './schema-table.ts';

const scalars: Record<string, ProtoScalar> = {
  s: 'string',
  b: 'bool',
  i: 'int',
  l: 'int',
  d: 'double',
  y: 'bytes',
  t: 'time',
  u: 'microTime',
  D: 'duration',
  q: 'quantity',
  x: 'intOrString',
};

const schemaOr = { '*a': 'schemaOrArray', '*b': 'schemaOrBool', '*c': 'schemaOrStrings' } as const;

function isSchemaOr(code: string): code is keyof typeof schemaOr {
  return code in schemaOr;
}

function typeOf(code: string, file: string): ProtoType {
  if (code.startsWith('w[]')) return { kind: 'wrapped', items: typeOf(code.slice(3), file) };
  if (code.startsWith('#')) return { kind: 'message', message: lazy(() => protoMessage(refId(code, file))) };
  if (isSchemaOr(code)) return { kind: schemaOr[code], message: lazy(() => protoMessage(`${file}.JSONSchemaProps`)) };
  return { kind: scalars[code] ?? 'raw' };
}

function fieldOf(row: Row, number: number, file: string): ProtoField {
  const [name, code, flags] = row;
  const pointer = (flags & 4) !== 0;
  if (code.startsWith('[]')) return { name, number, shape: 'list', pointer, type: typeOf(code.slice(2), file) };
  if (code.startsWith('{}')) return { name, number, shape: 'map', pointer, type: typeOf(code.slice(2), file) };
  return { name, number, shape: 'single', pointer, type: typeOf(code, file) };
}

interface NumberedRow {
  readonly row: Row;
  readonly path: readonly number[];
}

function fieldsOf(rows: readonly NumberedRow[], file: string): ProtoField[] {
  const groups = Map.groupBy(rows, ({ path }) => path[0] ?? 0);
  const fields = [...groups].map(([number, members]): ProtoField => {
    const [first] = members;
    if (first !== undefined && first.path.length === 1) return fieldOf(first.row, number, file);
    const inner = fieldsOf(
      members.map(({ row, path }) => ({ row, path: path.slice(1) })),
      file,
    );
    const message: ProtoMessage = { fields: inner };
    return { name: '', number, shape: 'inline', pointer: false, type: { kind: 'message', message: () => message } };
  });
  return fields.sort((a, b) => a.number - b.number);
}

const messages = new Map<string, ProtoMessage>();

/** The protobuf form of a type by its id (`core-v1.Pod`). */
export function protoMessage(id: string): ProtoMessage {
  let message = messages.get(id);
  if (message === undefined) {
    const [, ...rows] = typeTable(id);
    const file = id.slice(0, id.lastIndexOf('.'));
    const numbered = rows.filter((row) => row[3] !== 0).map((row) => ({ row, path: [row[3]].flat() }));
    message = { fields: fieldsOf(numbered, file) };
    messages.set(id, message);
  }
  return message;
}
