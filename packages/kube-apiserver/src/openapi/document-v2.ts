/**
 * The one OpenAPI v2 document of the whole server (kube-openapi `pkg/builder/openapi.go`).
 */
import type { OperationDefinition, PathDefinition } from '@kubets/api/openapi/paths';
import { typesOf, type DocumentOptions } from './document-v3.ts';
import type { Descriptions } from './descriptions.ts';
import { operationDescription, responseText, tagOf } from './operation-text.ts';
import { closureOf, schemaOfType, styleV2, type Json } from './schemas.ts';

/** The document of all given paths, with the types that they need. */
export function buildDocumentV2(paths: readonly PathDefinition[], options: DocumentOptions): Json {
  const types = closureOf(paths.flatMap((p) => p.operations).flatMap(typesOf));
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: options.version },
    paths: Object.fromEntries(paths.map((p) => [p.path, pathItem(p, options.descriptions)])),
    definitions: Object.fromEntries(types.map((name) => [name, schemaOfType(name, styleV2, options.descriptions)])),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
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
  return { uniqueItems: true, type, ...(description && { description }), name, in: place };
}

function operationOf(path: string, operation: OperationDefinition, descriptions: Descriptions): Json {
  const description = operationDescription(path, operation);
  const out: Json = { ...(description !== '' && { description }) };
  if (operation.consumes.length > 0) out['consumes'] = operation.consumes;
  if (operation.produces.length > 0) out['produces'] = operation.produces;
  Object.assign(out, { schemes: ['https'], tags: [tagOf(path)], operationId: operation.operationId });
  const parameters = parametersOf(operation, descriptions);
  if (parameters.length > 0) out['parameters'] = parameters;
  const responses = Object.entries(operation.responses).map(([status, type]) => [status, responseOf(status, type)]);
  out['responses'] = Object.fromEntries(responses) as Json;
  if (operation.action !== '') out['x-kubernetes-action'] = operation.action;
  if (operation.gvk !== undefined) out['x-kubernetes-group-version-kind'] = operation.gvk;
  return out;
}

function parametersOf(operation: OperationDefinition, descriptions: Descriptions): Json[] {
  const query = operation.query.map((q) => parameter(q.name, 'query', q.type, descriptions));
  if (operation.body === '') return query;
  const schema = { $ref: styleV2.refPrefix + operation.body };
  return [{ name: 'body', in: 'body', ...(operation.bodyRequired && { required: true }), schema }, ...query];
}

function responseOf(status: string, type: string): Json {
  const description = responseText(status);
  if (type === '') return { description };
  return { description, schema: type.includes('.') ? { $ref: styleV2.refPrefix + type } : { type } };
}
