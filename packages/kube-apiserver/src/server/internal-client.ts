/** The client of bootstrap and admission, over the in-process transport. */
import type { ApiObject, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { Transport, TransportRequest } from '@kubets/client';
import type { InternalClient } from '../bootstrap/internal-client.ts';
import { kubernetesVersion } from './version.ts';

/** What the loopback client calls itself; managed fields name the writer after it. */
const headers = { 'user-agent': `kube-apiserver/v${kubernetesVersion}` };

function collectionPath(resource: GroupVersionResource, namespace: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  // A namespace's own path has no namespace in front.
  const inside = namespace === '' || (resource.group === '' && resource.resource === 'namespaces');
  return inside ? `${root}/${resource.resource}` : `${root}/namespaces/${namespace}/${resource.resource}`;
}

export class TransportClient implements InternalClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async #send(method: TransportRequest['method'], path: string, body?: ApiObject): Promise<Readonly<ApiObject>> {
    return (await this.#transport.request({ method, path, headers, ...(body === undefined ? {} : { body }) })).object;
  }

  get(resource: GroupVersionResource, namespace: string, name: string): Promise<Readonly<ApiObject>> {
    return this.#send('GET', `${collectionPath(resource, namespace)}/${name}`);
  }

  create(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>> {
    return this.#send('POST', collectionPath(resource, namespace), object);
  }

  update(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>> {
    return this.#send('PUT', `${collectionPath(resource, namespace)}/${object.metadata.name ?? ''}`, object);
  }

  updateStatus(resource: GroupVersionResource, namespace: string, object: ApiObject): Promise<Readonly<ApiObject>> {
    const path = `${collectionPath(resource, namespace)}/${object.metadata.name ?? ''}/status`;
    return this.#send('PUT', path, object);
  }

  async delete(resource: GroupVersionResource, namespace: string, name: string): Promise<void> {
    await this.#send('DELETE', `${collectionPath(resource, namespace)}/${name}`);
  }
}
