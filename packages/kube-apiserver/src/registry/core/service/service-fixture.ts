/** A registry with Service allocation, for tests. */
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import { StatusError, type Status } from '@kubets/apimachinery/status';
import type { InternalClient } from '../../../bootstrap/internal-client.ts';
import { ApiFixture, CountingRandom, type Answer } from '../../testing/api-fixture.ts';
import { serviceHooks, type ServiceAllocation } from './service-hooks.ts';
import type { PortRange } from './port-allocator.ts';

/** The internal client over the fixture's handler. */
class FixtureClient implements InternalClient {
  readonly #api: ApiFixture;

  constructor(api: ApiFixture) {
    this.#api = api;
  }

  async #call(method: string, path: string, body?: ApiObject): Promise<ApiObject> {
    const answer = await this.#api.call(method, path, body === undefined ? {} : { body });
    if (answer.status >= 300) throw new StatusError(answer.object as unknown as Status);
    return answer.object;
  }

  #path({ group, version, resource }: GroupVersionResource, namespace: string, name = ''): string {
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const inside = namespace === '' ? '' : `/namespaces/${namespace}`;
    return `${root}${inside}/${resource}${name === '' ? '' : `/${name}`}`;
  }

  get(resource: GroupVersionResource, namespace: string, name: string): Promise<ApiObject> {
    return this.#call('GET', this.#path(resource, namespace, name));
  }

  create(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<ApiObject> {
    return this.#call('POST', this.#path(resource, namespace), object);
  }

  update(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<ApiObject> {
    return this.#call('PUT', this.#path(resource, namespace, object.metadata.name), object);
  }

  updateStatus(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<ApiObject> {
    return this.#call('PUT', `${this.#path(resource, namespace, object.metadata.name)}/status`, object);
  }

  async delete(resource: GroupVersionResource, namespace: string, name: string): Promise<void> {
    await this.#call('DELETE', this.#path(resource, namespace, name));
  }
}

export const servicesUrl = '/api/v1/namespaces/default/services';
export const ipAddressesUrl = '/apis/networking.k8s.io/v1/ipaddresses';

export interface ServiceAnswer extends ApiObject {
  spec: Record<string, unknown> & { clusterIP: string; clusterIPs: string[]; ports: Record<string, unknown>[] };
}

export class ServiceFixture implements AsyncDisposable {
  readonly api: ApiFixture;
  readonly allocation: ServiceAllocation;

  constructor(api: ApiFixture, allocation: ServiceAllocation) {
    this.api = api;
    this.allocation = allocation;
  }

  static async open(
    options: { cidrs?: readonly string[]; ports?: PortRange; connected?: boolean } = {},
  ): Promise<ServiceFixture> {
    const { cidrs = ['10.0.0.0/24'], ports = { first: 30_000, last: 32_767 }, connected = true } = options;
    let hooks: ServiceAllocation['hooks'] = {};
    const late = {
      begin: (...args: Parameters<NonNullable<ServiceAllocation['hooks'][string]['begin']>>) =>
        hooks['/services']?.begin?.(...args),
      afterDelete: (...args: Parameters<NonNullable<ServiceAllocation['hooks'][string]['afterDelete']>>) =>
        hooks['/services']?.afterDelete?.(...args),
    };
    const api = await ApiFixture.open({ hooks: { '/services': late } });
    const allocation = serviceHooks({
      serviceCidrs: cidrs,
      nodePortRange: ports,
      clock: api.clock,
      random: new CountingRandom(),
    });
    ({ hooks } = allocation);
    if (connected) allocation.connect({ caches: api.registry.directory, client: new FixtureClient(api) });
    return new ServiceFixture(api, allocation);
  }

  /** The same, over objects that are there before the allocators start. */
  connect(): void {
    this.allocation.connect({ caches: this.api.registry.directory, client: new FixtureClient(this.api) });
  }

  async create(name: string, spec: object = {}, query = ''): Promise<ServiceAnswer> {
    return (await this.api.ok('POST', servicesUrl + query, {
      body: serviceOf(name, spec),
    })) as unknown as ServiceAnswer;
  }

  refuse(name: string, spec: object): Promise<Answer> {
    return this.api.call('POST', servicesUrl, { body: serviceOf(name, spec) });
  }

  async patch(name: string, spec: object): Promise<ServiceAnswer> {
    const call = { contentType: 'application/merge-patch+json', body: { spec } };
    return (await this.api.ok('PATCH', `${servicesUrl}/${name}`, call)) as unknown as ServiceAnswer;
  }

  async addresses(): Promise<string[]> {
    const list = await this.api.ok('GET', ipAddressesUrl);
    return (list['items'] as ApiObject[]).map(({ metadata }) => metadata.name ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.allocation[Symbol.dispose]();
    await this.api[Symbol.asyncDispose]();
  }
}

function serviceOf(name: string, spec: object): object {
  return { metadata: { name }, spec: { ports: [{ port: 80 }], selector: { a: 'b' }, ...spec } };
}
