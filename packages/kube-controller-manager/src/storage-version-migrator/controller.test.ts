import { describe, expect, it } from 'vitest';
import type { StorageVersionMigration } from '@kubets/api/types/storagemigration-v1beta1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import { failure } from '@kubets/apimachinery/status';
import type { Transport, TransportRequest, WatchStream, WatchStreamEvent } from '@kubets/client';
import { ControllerFixture } from '../testing/controller-fixture.ts';
import { storageVersionMigratorController } from './controller.ts';

/** A server that serves one migration besides what it serves otherwise. */
class MigrationServer {
  migration: StorageVersionMigration;
  readonly patched: string[] = [];
  fail = false;
  #version = 1;
  #changed = Promise.withResolvers<void>();

  constructor(resource: string) {
    this.migration = {
      kind: 'StorageVersionMigration',
      apiVersion: 'storagemigration.k8s.io/v1beta1',
      metadata: { name: 'm', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { resource: { group: '', resource } },
    };
  }

  readonly wrap = (inner: Transport): Transport => ({
    request: async (request) => {
      if (request.path.endsWith('/storageversionmigrations/m/status')) return this.#update(request);
      if (request.contentType === 'application/apply-patch+yaml') {
        if (this.fail) throw failure('InternalError', 'no way');
        this.patched.push(request.path);
      }
      return await inner.request(request);
    },
    watch: (request) =>
      request.path.includes('storageversionmigrations') ? Promise.resolve(this.#watch(request)) : inner.watch(request),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  });

  get states(): string[] {
    return (this.migration.status?.conditions ?? []).map(({ type, status, reason, message }) =>
      `${type}=${status} ${reason} ${message}`.trim(),
    );
  }

  #update({ body }: TransportRequest) {
    const { metadata, status } = body as StorageVersionMigration;
    if (metadata.resourceVersion !== this.migration.metadata.resourceVersion) throw failure('Conflict', 'stale');
    const resourceVersion = String(++this.#version);
    this.migration = {
      ...this.migration,
      metadata: { ...this.migration.metadata, resourceVersion },
      ...(status && { status }),
    };
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
    return { status: 200, object: this.migration as unknown as ApiObject, warnings: [] };
  }

  #watch({ signal }: TransportRequest): WatchStream {
    const object = (): ApiObject => structuredClone(this.migration) as unknown as ApiObject;
    const changed = (): Promise<void> => this.#changed.promise;
    async function* events(): AsyncGenerator<WatchStreamEvent> {
      yield { type: 'ADDED', object: object() };
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1', annotations } } };
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => resolve());
      while (signal?.aborted !== true) {
        await Promise.race([changed(), ended]);
        yield { type: 'MODIFIED', object: object() };
      }
    }
    return { [Symbol.asyncIterator]: events, [Symbol.asyncDispose]: async () => {} };
  }
}

const start = (server: MigrationServer): Promise<ControllerFixture> =>
  ControllerFixture.start([storageVersionMigratorController], {
    wrap: server.wrap,
    featureGates: { StorageVersionMigrator: true },
  });

describe('storage version migrator', () => {
  it('has every object written once more', async () => {
    const server = new MigrationServer('secrets');
    await using empty = await ControllerFixture.start([]);
    for (const name of ['a', 'b']) await empty.client.secrets('default').create({ metadata: { name } });
    await using fixture = await ControllerFixture.start([storageVersionMigratorController], {
      plane: empty.plane,
      wrap: server.wrap,
      featureGates: { StorageVersionMigrator: true },
    });
    await fixture.until(() => server.states.length === 2);
    expect(server.states).toEqual([
      'Running=False StorageVersionMigrationSucceeded',
      'Succeeded=True StorageVersionMigrationSucceeded',
    ]);
    expect(server.migration.status?.resourceVersion).toMatch(/^\d+$/);
    expect(server.patched.toSorted()).toEqual([
      '/api/v1/namespaces/default/secrets/a',
      '/api/v1/namespaces/default/secrets/b',
    ]);
    await fixture.advance(5_000);
    expect(server.patched).toHaveLength(2);
    expect(fixture.errors).toEqual([]);
  });

  it('says what it could not do', async () => {
    const server = new MigrationServer('configmaps');
    server.fail = true;
    await using fixture = await start(server);
    await fixture.until(() => server.states.length === 2);
    expect(server.states[1]).toBe('Failed=True StorageVersionMigrationFailed migration encountered unhandled error');
  });

  it('gives a resource a minute to be served', async () => {
    const server = new MigrationServer('nonsense');
    await using fixture = await start(server);
    await fixture.advance(30_000);
    expect(server.states).toEqual([]);
    await fixture.until(() => server.states.length === 1);
    expect(server.states).toEqual(['Failed=True StorageVersionMigrationFailed resource not found']);
  });

  it('does not run unless the feature is on', async () => {
    const server = new MigrationServer('secrets');
    await using fixture = await ControllerFixture.start([storageVersionMigratorController], { wrap: server.wrap });
    await fixture.advance(3_000);
    expect(server.states).toEqual([]);
  });
});
