/**
 * The texts of the OpenAPI documents. They are made at build time (`packages/api/scripts/openapi-descriptions.ts`)
 * and never committed; without the file the documents have none.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Descriptions {
  /** Type name to the description of the type (key `''`) and of its fields. */
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By the name of the query or path parameter. */
  readonly parameters: Readonly<Record<string, string>>;
}

export const noDescriptions: Descriptions = { types: {}, parameters: {} };

const fileName = 'openapi-descriptions.json';

/** Beside the bundle, and where the build puts the file when the sources run as they are. */
const places = [join(import.meta.dirname, '..', fileName), join(import.meta.dirname, '../../../../dist', fileName)];

/** Reads the file from the first place that has it. Throws when it is there and cannot be read. */
export function loadDescriptions(candidates: readonly string[] = places): Descriptions {
  for (const file of candidates) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Descriptions;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return noDescriptions;
}
