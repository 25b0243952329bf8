/** Configuration objects, decoded strictly: unknown and repeated fields are errors, as is a value of another type. */
import { parseDurationMs } from '@kubets/apimachinery/duration';
import { configSchema } from '../generated/config-schema.ts';
import type { ConfigField } from './schema.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong, worded as upstream's decoder words it. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

interface Place {
  /** The type that has the field, and the path from it, as Go's JSON decoder names places. */
  readonly type: string;
  readonly path: string;
  readonly unknown: string[];
}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;

const goTypes = {
  string: 'string',
  integer: 'int32',
  number: 'float32',
  boolean: 'bool',
  Duration: 'v1.Duration',
} as const;

function wrongType(value: unknown, wanted: string, { type, path }: Place): ConfigError {
  const field = path.replace(/\[\d+\]/g, '');
  return new ConfigError(
    `json: cannot unmarshal ${goKind(value)} into Go struct field ${type}.${field} of type ${wanted}`,
  );
}

function scalar(value: unknown, field: keyof typeof goTypes, place: Place): unknown {
  const fits =
    field === 'Duration'
      ? typeof value === 'string'
      : field === 'integer'
        ? Number.isInteger(value)
        : typeof value === field;
  if (!fits) throw wrongType(value, goTypes[field], place);
  // Read for its errors; it stays a text, as files have it.
  if (field === 'Duration') parseDurationMs(value as string);
  return value;
}

function decodeField(value: unknown, field: ConfigField, place: Place): unknown {
  if (field === 'any') return value;
  if (typeof field === 'string') return scalar(value, field, place);
  if ('object' in field) {
    if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(value, `v1.${field.object}`, place);
    return decodeFields(value as Fields, field.object, place);
  }
  if (!Array.isArray(value)) throw wrongType(value, '[]', place);
  return value.map((item, i) => decodeField(item, field.list, { ...place, path: `${place.path}[${i}]` }));
}

function decodeFields(fields: Fields, type: string, place: Place): Fields {
  const schema = configSchema[type] ?? {};
  const decoded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const path = place.path === '' ? name : `${place.path}.${name}`;
    const field = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (field === undefined) place.unknown.push(`unknown field "${path}"`);
    else if (value !== null) decoded[name] = decodeField(value, field, { ...place, path });
  }
  return decoded;
}

/**
 * An object of a configuration type, without fields that are null.
 *
 * @throws ConfigError
 */
export function decodeConfig<T>(value: unknown, type: string, duplicates: readonly string[] = []): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`json: cannot unmarshal ${goKind(value)} into Go value of type v1.${type}`);
  }
  const unknown: string[] = [];
  const decoded = decodeFields(value as Fields, type, { type, path: '', unknown });
  const complaints = [...duplicates, ...unknown];
  if (complaints.length > 0) throw new ConfigError(`strict decoding error: ${complaints.join(', ')}`);
  return decoded as T;
}
