/**
 * One OpenAPI v3 document per group version (kube-openapi `pkg/builder3/openapi.go`, `pkg/handler3/handler.go`).
 */
import type { OperationDefinition, PathDefinition } from '@kubets/api/openapi/paths';
import type { Descriptions } from './descriptions.ts';
import { operationDescription, responseText, tagOf } from './operation-text.ts';
import { closureOf, schemaOfType, styleV3, type Json } from './schemas.ts';

/** The document a path belongs to: `api/v1`, `apis/apps/v1`, `apis/apps`, `version`. */
export function documentKey(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments[0] === 'apis') return segments.slice(0, 3).join('/');
  if (segments[0] === 'api' || segments[0] === 'logs')
    return segments.slice(0, segments[0] === 'api' ? 2 : 1).join('/');
  return segments.join('/');
}

export interface DocumentOptions {
  /** `v1.36.2`. */
  readonly version: string;
  readonly descriptions: Descriptions;
}

/** The document of some paths, with the types that they need. */
export function buildDocumentV3(paths: readonly PathDefinition[], options: DocumentOptions): Json {
  const types = closureOf(paths.flatMap((p) => p.operations).flatMap(typesOf));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: options.version },
    paths: Object.fromEntries(paths.map((p) => [p.path, pathItem(p, options.descriptions)])),
    components: {
      schemas: Object.fromEntries(types.map((name) => [name, schemaOfType(name, styleV3, options.descriptions)])),
      securitySchemes: {
        BearerToken: {
          type: 'apiKey',
          description: 'Bearer Token authentication',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

/** The types that an operation mentions. */
export function typesOf(operation: OperationDefinition): string[] {
  return [operation.body, ...Object.values(operation.responses)].filter((type) => type.includes('.'));
}

function pathItem(definition: PathDefinition, descriptions: Descriptions): Json {
  const item: Json = {};
  for (const operation of definition.operations) {
    item[operation.method] = operationOf(definition.path, operation, descriptions);
  }
  if (definition.pathParams.length > 0) {
    item['parameters'] = definition.pathParams.map((name) => ({
      ...parameter(name, 'path', 'string', descriptions),
      required: true,
    }));
  }
  return item;
}

function parameter(name: string, place: 'path' | 'query', type: string, descriptions: Descriptions): Json {
  const description = descriptions.parameters[name];
  return { name, in: place, ...(description && { description }), schema: { type, uniqueItems: true } };
}

function operationOf(path: string, operation: OperationDefinition, descriptions: Descriptions): Json {
  const description = operationDescription(path, operation);
  const out: Json = {
    tags: [tagOf(path)],
    ...(description !== '' && { description }),
    operationId: operation.operationId,
  };
  if (operation.query.length > 0) {
    out['parameters'] = operation.query.map((q) => parameter(q.name, 'query', q.type, descriptions));
  }
  if (operation.body !== '') {
    out['requestBody'] = {
      content: contentOf(operation.consumes, operation.body),
      ...(operation.bodyRequired && { required: true }),
    };
  }
  const responses = Object.entries(operation.responses).map(([status, type]) => [
    status,
    responseOf(status, type, operation),
  ]);
  out['responses'] = Object.fromEntries(responses) as Json;
  if (operation.action !== '') out['x-kubernetes-action'] = operation.action;
  if (operation.gvk !== undefined) out['x-kubernetes-group-version-kind'] = operation.gvk;
  return out;
}

function responseOf(status: string, type: string, operation: OperationDefinition): Json {
  const description = responseText(status);
  return type === '' ? { description } : { description, content: contentOf(operation.produces, type) };
}

function contentOf(mediaTypes: readonly string[], type: string): Json {
  const schema = type.includes('.') ? { $ref: styleV3.refPrefix + type } : { type };
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }]));
}
