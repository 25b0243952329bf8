/** Formats of strings and numbers that the server knows (`apiextensions-apiserver/pkg/apiserver/validation/formats.go`). */
import type { CustomResourceDefinition } from '../../generated/types/apiextensions-v1.ts';
import { schemasOf } from './crd-rules.ts';
import { subSchemas, type Schema } from './schema-parts.ts';

const known = new Set(
  'bsonobjectid uri email hostname ipv4 ipv6 cidr mac uuid uuid3 uuid4 uuid5 isbn isbn10 isbn13 creditcard ssn hexcolor rgbcolor byte password date duration datetime date-time int32 int64 float double k8s-short-name k8s-long-name'.split(
    ' ',
  ),
);

function collect(schema: Schema, formats: string[]): void {
  const { format } = schema;
  if (typeof format === 'string' && format !== '' && !known.has(format)) formats.push(format);
  for (const [, item] of subSchemas(schema)) collect(item, formats);
}

/** In the order in which they occur. An unknown format restricts nothing: it is worth a warning. */
export function unknownFormats(crd: Readonly<CustomResourceDefinition>): string[] {
  const formats: string[] = [];
  for (const schema of schemasOf(crd.spec)) if (schema !== undefined) collect(schema, formats);
  return formats;
}
