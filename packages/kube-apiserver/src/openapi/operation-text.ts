/**
 * What operations are called and what they do, in upstream's words
 * (`apiserver/pkg/endpoints/installer.go` registerResourceHandlers, `pkg/endpoints/openapi/openapi.go`).
 */
import type { OperationDefinition } from '@kubets/api/openapi/paths';

/** `rbac.authorization.k8s.io` is `rbacAuthorization`. */
function groupTag(group: string): string {
  const [first = '', ...rest] = group.replace(/\.k8s\.io$/, '').split('.');
  return first + rest.map((label) => label.charAt(0).toUpperCase() + label.slice(1)).join('');
}

/** The tag of all operations of a path: `core_v1`, `apps_v1`, `apis`, `version`. */
export function tagOf(path: string): string {
  const [first = '', second = '', third = ''] = path.split('/').filter((segment) => segment !== '');
  if (first === 'api') return second === '' ? 'core' : `core_${second}`;
  if (first === '.well-known') return 'WellKnown';
  if (first !== 'apis' || second === '') return first;
  return third === '' ? groupTag(second) : `${groupTag(second)}_${third}`;
}

/** `status` of `/…/pods/{name}/status`; empty for the main resource. */
function subresourceOf(path: string): string {
  return /\/\{name\}\/([^/{]+)/.exec(path)?.[1] ?? '';
}

const ofSubject: Readonly<Record<string, (subject: string) => string>> = {
  list: (s) => `list or watch objects of kind ${s}`,
  post: (s) => `create ${article(s)} ${s}`,
  get: (s) => `read the specified ${s}`,
  put: (s) => `replace the specified ${s}`,
  patch: (s) => `partially update the specified ${s}`,
  delete: (s) => `delete ${article(s)} ${s}`,
  deletecollection: (s) => `delete collection of ${s}`,
  watch: (s) =>
    `watch changes to an object of kind ${s}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
  watchlist: (s) =>
    `watch individual changes to a list of ${s}. deprecated: use the 'watch' parameter with a list operation instead.`,
};

const ofSubresource: Readonly<Record<string, (subject: string, subresource: string) => string>> = {
  post: (s, sub) => `create ${sub} of ${article(s)} ${s}`,
  get: (s, sub) => `read ${sub} of the specified ${s}`,
  put: (s, sub) => `replace ${sub} of the specified ${s}`,
  patch: (s, sub) => `partially update ${sub} of the specified ${s}`,
};

function article(noun: string): string {
  return /^[AEIOU]/.test(noun) ? 'an' : 'a';
}

const ofServer: readonly (readonly [RegExp, string])[] = [
  [/APIResources$/, 'get available resources'],
  [/APIGroup$/, 'get information of a group'],
  [/APIVersions$/, 'get available API versions'],
  [/^getCodeVersion$/, 'get the version information for this server'],
  [
    /^getServiceAccountIssuerOpenIDKeyset$/,
    'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
  ],
  [
    /^getServiceAccountIssuerOpenIDConfiguration$/,
    "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
  ],
];

function singularOf(path: string): string {
  const resource = /([^/{}]+)\/\{name\}/.exec(path)?.[1] ?? '';
  return resource.replace(/ies$/, 'y').replace(/s$/, '');
}

/** A subresource has a kind of its own (Scale, Eviction): its parent is named by the path. */
function subjectOf(path: string, operation: OperationDefinition): string {
  const parent = singularOf(path);
  const kind = operation.gvk?.kind ?? '';
  return kind.toLowerCase() === parent ? kind : parent.charAt(0).toUpperCase() + parent.slice(1);
}

/** One line; empty when there is nothing to say. */
export function operationDescription(path: string, operation: OperationDefinition): string {
  const subresource = subresourceOf(path);
  const kind = operation.gvk?.kind ?? '';
  if (operation.action === '') return ofServer.find(([pattern]) => pattern.test(operation.operationId))?.[1] ?? '';
  if (operation.action === 'connect') {
    return `connect ${operation.method.toUpperCase()} requests to ${subresource} of ${subjectOf(path, operation)}`;
  }
  if (subresource === '') return ofSubject[operation.action]?.(kind) ?? '';
  return ofSubresource[operation.action]?.(subjectOf(path, operation), subresource) ?? '';
}

/** The `description` of a response: HTTP's own word for the status. */
export function responseText(status: string): string {
  const texts: Readonly<Record<string, string>> = {
    '200': 'OK',
    '201': 'Created',
    '202': 'Accepted',
    '401': 'Unauthorized',
  };
  return texts[status] ?? status;
}
