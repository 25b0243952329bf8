/**
 * An OpenAPI v2 document in the protobuf form that older kubectl asks for
 * (`openapi.v2.Document` of google/gnostic `openapiv2/OpenAPIv2.proto`).
 */
import { ProtoWriter } from './proto-writer.ts';
import type { Json } from './schemas.ts';

const methodFields: Readonly<Record<string, number>> = {
  get: 2,
  put: 3,
  post: 4,
  delete: 5,
  options: 6,
  head: 7,
  patch: 8,
};

const entriesOf = (value: unknown): [string, Json][] => Object.entries((value ?? {}) as Record<string, Json>);
const textsOf = (value: unknown): readonly string[] => (value ?? []) as readonly string[];
const listOf = (value: unknown): readonly Json[] => (value ?? []) as readonly Json[];

/** The document as `openapi.v2.Document`. */
export function encodeGnosticV2(document: Json): Buffer {
  const writer = new GnosticWriter();
  writer.document(document);
  return writer.finish();
}

class GnosticWriter {
  readonly #w = new ProtoWriter();

  finish(): Buffer {
    return this.#w.finish();
  }

  document(document: Json): void {
    this.#text(1, document['swagger']);
    this.#w.message(2, () => {
      const info = document['info'] as Json;
      this.#text(1, info['title']);
      this.#text(2, info['version']);
    });
    this.#w.message(8, () => {
      for (const [path, item] of entriesOf(document['paths'])) this.#named(2, path, () => this.#pathItem(item));
    });
    this.#w.message(9, () => {
      for (const [name, schema] of entriesOf(document['definitions'])) this.#named(1, name, () => this.#schema(schema));
    });
    for (const requirement of listOf(document['security'])) {
      this.#w.message(12, () => {
        for (const [name] of entriesOf(requirement)) this.#named(1, name, () => {});
      });
    }
    this.#w.message(13, () => {
      for (const [name, item] of entriesOf(document['securityDefinitions'])) {
        this.#named(1, name, () => this.#w.message(2, () => this.#apiKey(item)));
      }
    });
  }

  #apiKey(item: Json): void {
    this.#text(1, item['type']);
    this.#text(2, item['name']);
    this.#text(3, item['in']);
    this.#text(4, item['description']);
  }

  #pathItem(item: Json): void {
    for (const [key, value] of Object.entries(item)) {
      const field = methodFields[key];
      if (field !== undefined) this.#w.message(field, () => this.#operation(value as Json));
    }
    for (const parameter of listOf(item['parameters'])) this.#w.message(9, () => this.#parameter(parameter));
  }

  #operation(operation: Json): void {
    this.#texts(1, operation['tags']);
    this.#text(3, operation['description']);
    this.#text(5, operation['operationId']);
    this.#texts(6, operation['produces']);
    this.#texts(7, operation['consumes']);
    for (const parameter of listOf(operation['parameters'])) this.#w.message(8, () => this.#parameter(parameter));
    this.#w.message(9, () => {
      for (const [status, response] of entriesOf(operation['responses'])) this.#response(status, response);
    });
    this.#texts(10, operation['schemes']);
    this.#extensions(13, operation);
  }

  #response(status: string, response: Json): void {
    this.#named(1, status, () =>
      this.#w.message(1, () => {
        this.#text(1, response['description']);
        const schema = response['schema'] as Json | undefined;
        if (schema !== undefined) this.#w.message(2, () => this.#w.message(1, () => this.#schema(schema)));
      }),
    );
  }

  /** ParametersItem → Parameter → body, or non-body → query or path. */
  #parameter(parameter: Json): void {
    this.#w.message(1, () => {
      if (parameter['in'] === 'body') this.#w.message(1, () => this.#bodyParameter(parameter));
      else this.#w.message(2, () => this.#nonBodyParameter(parameter));
    });
  }

  #bodyParameter(parameter: Json): void {
    this.#text(2, parameter['name']);
    this.#text(3, parameter['in']);
    this.#w.flag(4, parameter['required'] === true);
    this.#w.message(5, () => this.#schema(parameter['schema'] as Json));
  }

  #nonBodyParameter(parameter: Json): void {
    const isPath = parameter['in'] === 'path';
    this.#w.message(isPath ? 4 : 3, () => {
      this.#w.flag(1, parameter['required'] === true);
      this.#text(2, parameter['in']);
      this.#text(3, parameter['description']);
      this.#text(4, parameter['name']);
      this.#text(isPath ? 5 : 6, parameter['type']);
      this.#w.flag(isPath ? 19 : 20, parameter['uniqueItems'] === true);
    });
  }

  #schema(schema: Json): void {
    this.#text(1, schema['$ref']);
    this.#text(2, schema['format']);
    this.#text(4, schema['description']);
    if (schema['default'] !== undefined) this.#any(5, schema['default']);
    this.#texts(19, schema['required']);
    for (const value of (schema['enum'] ?? []) as readonly unknown[]) this.#any(20, value);
    const values = schema['additionalProperties'] as Json | undefined;
    if (values !== undefined) this.#w.message(21, () => this.#w.message(1, () => this.#schema(values)));
    if (schema['type'] !== undefined) this.#w.message(22, () => this.#text(1, schema['type']));
    const items = schema['items'] as Json | undefined;
    if (items !== undefined) this.#w.message(23, () => this.#w.message(1, () => this.#schema(items)));
    if (schema['properties'] !== undefined) {
      this.#w.message(25, () => {
        for (const [name, p] of entriesOf(schema['properties'])) this.#named(1, name, () => this.#schema(p));
      });
    }
    this.#extensions(31, schema);
  }

  #extensions(field: number, from: Json): void {
    for (const key in from) {
      if (!key.startsWith('x-')) continue;
      this.#w.message(field, () => {
        this.#w.string(1, key);
        this.#any(2, from[key]);
      });
    }
  }

  /** Values of any form travel as YAML, and JSON is YAML. */
  #any(field: number, value: unknown): void {
    this.#w.message(field, () => this.#w.string(2, `${JSON.stringify(value)}\n`));
  }

  /** The pair that stands for an entry of a map. */
  #named(field: number, name: string, value: () => void): void {
    this.#w.message(field, () => {
      this.#w.string(1, name);
      this.#w.message(2, value);
    });
  }

  #text(field: number, value: unknown): void {
    if (typeof value === 'string' && value !== '') this.#w.string(field, value);
  }

  #texts(field: number, values: unknown): void {
    for (const value of textsOf(values)) this.#w.string(field, value);
  }
}
