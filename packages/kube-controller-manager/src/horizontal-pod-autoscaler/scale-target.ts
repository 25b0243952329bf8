/** The scale subresource of whatever an autoscaler scales (upstream `horizontal.go`, `scaleForResourceMappings`; client-go `scale`). */
import type { Clock } from '@kubets/apimachinery/clock';
import { groupKindString, groupResourceString, parseApiVersion } from '@kubets/apimachinery/meta';
import type { Scale } from '@kubets/api/types/autoscaling-v1';
import type { CrossVersionObjectReference } from '@kubets/api/types/autoscaling-v2';
import { discover, ResourceClient, type DiscoveredResource, type Transport } from '@kubets/client';
import type { MetricsDiscovery } from './metrics-client.ts';

/** What is known of the served resources is asked for anew after so long (`startHPAController…`: the mapper is reset). */
const freshMs = 30_000;

interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** The served resources, remembered for a while. */
export class ServedResources implements MetricsDiscovery {
  readonly #transport: Transport;
  readonly #clock: Clock;
  #known: Promise<readonly DiscoveredResource[]> | undefined;
  #asked = 0;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Every version in which the kind is served. Rejects with an Error when there is none. */
  async mappings({ group, kind }: GroupKind): Promise<readonly DiscoveredResource[]> {
    const find = async (): Promise<readonly DiscoveredResource[]> =>
      (await this.#resources()).filter((resource) => resource.group === group && resource.kind === kind);
    let found = await find();
    if (found.length === 0) {
      // It may have come since.
      this.#known = undefined;
      found = await find();
    }
    if (found.length > 0) return found;
    throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
  }

  async groupResourceOf({ kind, apiVersion = '' }: Readonly<CrossVersionObjectReference>): Promise<string> {
    const group = parseApiVersion(apiVersion)?.group ?? '';
    const [first] = await this.mappings({ group, kind });
    if (first === undefined) throw new Error(`no matches for ${groupKindString({ group, kind })}`);
    return groupResourceString(first);
  }

  async customMetricsVersion(): Promise<string> {
    const served = (await this.#resources()).filter(({ group }) => group === 'custom.metrics.k8s.io');
    const newest = 'v1beta2';
    return served.some(({ version }) => version === newest) ? newest : (served[0]?.version ?? newest);
  }

  #resources(): Promise<readonly DiscoveredResource[]> {
    const now = this.#clock.monotonic();
    if (this.#known === undefined || now - this.#asked >= freshMs) {
      this.#asked = now;
      // Groups whose server does not answer are left out: what is scaled is served elsewhere most likely.
      const asked = discover(this.#transport, () => undefined);
      this.#known = asked;
      asked.catch(() => {
        if (this.#known === asked) this.#known = undefined;
      });
    }
    return this.#known;
  }
}

/** A scale and where it came from. */
export interface ScaleTarget {
  readonly scale: Readonly<Scale>;
  /** Writes the wish. Rejects with the server's refusal. */
  resize(replicas: number): Promise<void>;
}

/** The first version of the kind whose scale can be read. Rejects with the first refusal. */
export async function readScale(
  transport: Transport,
  mappings: readonly DiscoveredResource[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<ScaleTarget> {
  const errors: unknown[] = [];
  for (const mapping of mappings) {
    const client = new ResourceClient(transport, mapping, namespace);
    try {
      const scale = await client.getSubresource<Scale>(name, 'scale');
      const resize = async (replicas: number): Promise<void> =>
        void (await client.updateSubresource<Scale>({ ...scale, spec: { ...scale.spec, replicas } }, 'scale'));
      return { scale, resize };
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0] ?? new Error('unrecognized resource');
}
