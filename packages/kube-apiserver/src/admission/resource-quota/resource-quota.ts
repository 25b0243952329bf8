/** Keeps namespaces within their quotas (`apiserver/pkg/admission/plugin/resourcequota/admission.go`). */
import type { InternalClient } from '../../bootstrap/internal-client.ts';
import type { CacheDirectory } from '../../storage/cache.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import { checkRequest, type QuotaRequest } from './quota-check.ts';
import { QuotaLedger, resourceQuotas } from './quota-ledger.ts';

export interface ResourceQuotaDeps {
  readonly caches: CacheDirectory;
  readonly client: InternalClient;
}

/** Kinds that are answered at once and stored nowhere. */
const virtualGroups: ReadonlySet<string> = new Set(['authorization.k8s.io', 'authentication.k8s.io']);

/** Kinds whose updates may use more; all others count when they are created. */
const updatable: ReadonlySet<string> = new Set(['services', 'persistentvolumeclaims']);

/** Runs last: a request that is charged is refused by nobody but the store. */
export function resourceQuota(deps: ResourceQuotaDeps): AdmissionPlugin {
  const cache = deps.caches.of(resourceQuotas);
  const ledgers = new Map<string, QuotaLedger>();
  const ledgerOf = (namespace: string): QuotaLedger => {
    let ledger = ledgers.get(namespace);
    if (ledger === undefined) {
      // Ledgers hold nothing between batches: forgetting idle ones bounds the map.
      for (const [name, other] of ledgers) if (other.isIdle) ledgers.delete(name);
      ledger = new QuotaLedger(namespace, cache, deps.client);
      ledgers.set(namespace, ledger);
    }
    return ledger;
  };
  const hasQuotas = (namespace: string): boolean => {
    for (const _ of cache.list(namespace)) return true;
    return false;
  };
  return {
    name: 'ResourceQuota',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      if (!concerns(attributes) || !hasQuotas(attributes.namespace)) return undefined;
      const { resource, object, oldObject } = attributes;
      if (object === undefined) return undefined;
      return settle(attributes, ledgerOf(attributes.namespace), { resource, object, oldObject });
    },
  };
}

function concerns({ namespace, resource, subresource, operation }: AdmissionAttributes): boolean {
  if (namespace === '' || virtualGroups.has(resource.group)) return false;
  if (operation === 'CREATE') return subresource === '';
  if (resource.group !== '') return false;
  if (resource.resource === 'pods') return subresource === 'resize';
  return subresource === '' && updatable.has(resource.resource);
}

async function settle(attributes: AdmissionAttributes, ledger: QuotaLedger, request: QuotaRequest): Promise<void> {
  const why = attributes.dryRun ? dryRun(ledger, request) : await ledger.charge(request);
  if (why !== undefined) throw forbid(attributes, why);
}

/** Looks, and writes nothing. */
function dryRun(ledger: QuotaLedger, request: QuotaRequest): string | undefined {
  const verdict = checkRequest(request, ledger.states());
  return verdict.allowed ? undefined : verdict.why;
}
