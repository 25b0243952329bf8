/** The `token` subresource of service accounts (`pkg/registry/core/serviceaccount/storage/token.go`). */
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { invalid, Path, type FieldError } from '@kubets/apimachinery/field';
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { newBadRequest, newConflict, newInvalid, newNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import {
  extendedExpirationSeconds,
  warnOnlyExpirationSeconds,
  type KubernetesClaim,
  type ObjectClaim,
} from '../../authentication/serviceaccount/claims.ts';
import type { TokenIssuer } from '../../authentication/serviceaccount/token-issuer.ts';
import { serviceAccountUsername } from '../../authorization/rbac/subjects.ts';
import { addWarning, type ApiRequest, type ApiResult } from '../../server/types.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import { WriteContext } from '../generic/write-context.ts';
import { Attributes } from '../rest/attributes.ts';
import { methodNotAllowed } from '../rest/errors.ts';
import { readObject } from '../rest/read-object.ts';
import type { ResourceScope } from '../rest/scope.ts';
import { parseWriteOptions } from '../rest/write-options.ts';

export interface TokenRequestDeps {
  readonly caches: CacheDirectory;
  readonly issuer: TokenIssuer;
  readonly apiAudiences: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** `--service-account-max-token-expiration` in seconds; absent: no limit. */
  readonly maxExpirationSeconds?: number;
  /** `--service-account-extend-token-expiration`. */
  readonly extendExpiration: boolean;
}

interface BoundObjectReference {
  kind?: string;
  apiVersion?: string;
  name?: string;
  uid?: string;
}

interface TokenRequest extends ApiObject {
  spec: {
    audiences?: string[] | null;
    expirationSeconds?: number | null;
    boundObjectRef?: BoundObjectReference | null;
  };
}

interface Bound {
  readonly pod?: ObjectClaim;
  readonly node?: ObjectClaim;
  readonly secret?: ObjectClaim;
}

const gvk: GroupVersionKind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
const defaultExpirationSeconds = 3600;
const minExpirationSeconds = 600;
const maxExpirationSeconds = 2 ** 32;

/** For the installer's table of extra subresources: `/serviceaccounts/token`, create. */
export function tokenRequestHandler(
  deps: TokenRequestDeps,
): (request: ApiRequest, scope?: ResourceScope) => Promise<ApiResult> {
  return async (request, scope) => {
    const { namespace, name, verb } = request.info;
    if (verb !== 'create') throw methodNotAllowed();
    const sent = (await readObject(request, gvk)) as TokenRequest;
    checkNames(sent, namespace, name);
    sent.metadata.name = name;
    sent.metadata.namespace = namespace;
    if (scope !== undefined) await admit(request, scope, sent);
    const account = deps.caches.of({ group: '', resource: 'serviceaccounts' }).get(namespace, name);
    if (account === undefined) throw newNotFound({ group: '', resource: 'serviceaccounts' }, name);
    const spec = specOf(sent, request, deps);
    const bound = boundObjects(deps.caches, { namespace, serviceAccount: name, ref: spec.boundObjectRef });
    const claim: KubernetesClaim = {
      namespace,
      ...bound,
      serviceaccount: { name, uid: account.object.metadata.uid ?? '' },
    };
    return issue({ deps, spec, claim, sent });
  };
}

/** Both phases, as for a creation of `serviceaccounts/token`: NodeRestriction looks at what nodes ask for. */
async function admit(request: ApiRequest, scope: ResourceScope, object: TokenRequest): Promise<void> {
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const context = new WriteContext(scope.environment, request, options.dryRun);
  const attributes = new Attributes(scope, context, {
    operation: 'CREATE',
    name: request.info.name,
    subresource: 'token',
    object,
    options: options.sent,
    kind: gvk,
  });
  await scope.environment.chain.admit(attributes);
  await scope.environment.chain.validate(attributes);
}

function checkNames(sent: TokenRequest, namespace: string, name: string): void {
  const { metadata } = sent;
  if ((metadata.name ?? '') !== '' && metadata.name !== name) {
    throw newBadRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if ((metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) {
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

interface ResolvedSpec {
  readonly audiences: string[];
  readonly expirationSeconds: number;
  readonly boundObjectRef: BoundObjectReference | null;
}

/** Defaults filled in, checked, and cut to what the server grants. */
function specOf(sent: TokenRequest, request: ApiRequest, deps: TokenRequestDeps): ResolvedSpec {
  const audiences = sent.spec?.audiences ?? [];
  const asked = sent.spec?.expirationSeconds ?? defaultExpirationSeconds;
  const boundObjectRef = sent.spec?.boundObjectRef ?? null;
  const errors = validateExpiration(asked);
  if (errors.length > 0) throw newInvalid(gvk, '', errors);
  let expirationSeconds = asked;
  if (deps.maxExpirationSeconds !== undefined && asked > deps.maxExpirationSeconds) {
    expirationSeconds = deps.maxExpirationSeconds;
    addWarning(request, `requested expiration of ${asked} seconds shortened to ${expirationSeconds} seconds`);
  }
  return {
    audiences: audiences.length === 0 ? [...deps.apiAudiences] : audiences,
    expirationSeconds,
    boundObjectRef,
  };
}

function validateExpiration(seconds: number): FieldError[] {
  const path = Path.of('spec', 'expirationSeconds');
  if (seconds < minExpirationSeconds)
    return [invalid(path, seconds, 'may not specify a duration less than 10 minutes')];
  if (seconds > maxExpirationSeconds)
    return [invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')];
  return [];
}

function boundObjects(
  caches: CacheDirectory,
  wanted: { namespace: string; serviceAccount: string; ref: BoundObjectReference | null },
): Bound {
  const { namespace, serviceAccount, ref } = wanted;
  if (ref === null) return {};
  const find = (resource: string, inNamespace: string): ApiObject => {
    const entry = caches.of({ group: '', resource }).get(inNamespace, ref.name ?? '');
    if (entry === undefined) throw newNotFound({ group: '', resource }, ref.name ?? '');
    checkUid(ref, entry.object.metadata.uid ?? '');
    return entry.object;
  };
  const kind = ref.apiVersion === 'v1' ? ref.kind : undefined;
  switch (kind) {
    case 'Pod':
      return boundPod(caches, find('pods', namespace), serviceAccount);
    case 'Node':
      return { node: claimOf(find('nodes', '')) };
    case 'Secret':
      return { secret: claimOf(find('secrets', namespace)) };
    default:
      throw newBadRequest(`cannot bind token to object of type ${ref.apiVersion ?? ''}, Kind=${ref.kind ?? ''}`);
  }
}

/** A pod-bound token also names the pod's node, when there is one. */
function boundPod(caches: CacheDirectory, pod: ApiObject, serviceAccount: string): Bound {
  const spec = (pod['spec'] ?? {}) as { serviceAccountName?: string; nodeName?: string };
  if (spec.serviceAccountName !== serviceAccount) {
    throw newBadRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(serviceAccount)} to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = spec.nodeName ?? '';
  if (nodeName === '') return { pod: claimOf(pod) };
  const node = caches.of({ group: '', resource: 'nodes' }).get('', nodeName);
  return { node: node === undefined ? { name: nodeName } : claimOf(node.object), pod: claimOf(pod) };
}

function checkUid(ref: BoundObjectReference, actual: string): void {
  if ((ref.uid ?? '') === '' || ref.uid === actual) return;
  throw newConflict(
    { group: '', resource: ref.kind ?? '' },
    ref.name ?? '',
    `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
  );
}

const claimOf = (object: Readonly<ApiObject>): ObjectClaim => ({
  name: object.metadata.name ?? '',
  uid: object.metadata.uid ?? '',
});

/** A projected token of a pod for this server lives a year, but is asked to be renewed after what was requested. */
function lifetimes(
  deps: TokenRequestDeps,
  spec: ResolvedSpec,
  isPod: boolean,
): { lifetime: number; warnAfter: number | undefined } {
  const forThisServer = spec.audiences.every((audience) => deps.apiAudiences.includes(audience));
  const extend =
    deps.extendExpiration && isPod && spec.expirationSeconds === warnOnlyExpirationSeconds && forThisServer;
  return extend
    ? { lifetime: extendedExpirationSeconds, warnAfter: spec.expirationSeconds }
    : { lifetime: spec.expirationSeconds, warnAfter: undefined };
}

async function issue(work: {
  deps: TokenRequestDeps;
  spec: ResolvedSpec;
  claim: KubernetesClaim;
  sent: TokenRequest;
}): Promise<ApiResult> {
  const { deps, spec, claim, sent } = work;
  const now = Math.floor(deps.clock.now() / 1000);
  const { lifetime, warnAfter } = lifetimes(deps, spec, claim.pod !== undefined);
  const { namespace, serviceaccount } = claim;
  const token = await deps.issuer.sign({
    aud: spec.audiences,
    exp: now + lifetime,
    iat: now,
    nbf: now,
    jti: deps.random.uuid(),
    sub: serviceAccountUsername(namespace, serviceaccount.name),
    'kubernetes.io': { ...claim, ...(warnAfter !== undefined && { warnafter: now + warnAfter }) },
  });
  const object = {
    ...sent,
    metadata: { name: serviceaccount.name, namespace, creationTimestamp: formatTime(deps.clock.now()) },
    spec,
    status: { token, expirationTimestamp: formatTime((now + spec.expirationSeconds) * 1000) },
  };
  return { type: 'object', status: 201, object, gvk };
}
