/**
 * Has all objects of a resource written once more, so that the API server stores them in its present version
 * (`pkg/controller/storageversionmigrator/{storageversionmigrator,resourceversion}.go`; feature StorageVersionMigrator).
 *
 * Upstream takes the objects from the garbage collector's cache; here they are listed.
 */
import type { StorageVersionMigration } from '@kubets/api/types/storagemigration-v1beta1';
import { apiVersionOf, type ApiObject } from '@kubets/apimachinery/meta';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { formatTime, parseTime } from '@kubets/apimachinery/time';
import { discover, ResourceClient, type DiscoveredResource, type Resource } from '@kubets/client';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { settleConcurrently } from '../lib/concurrent.ts';
import { metadataClient } from '../lib/metadata-client.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { isOver, migrationStatus, type MigrationState } from './plan.ts';

const storageVersionMigrations: Resource<StorageVersionMigration> = {
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  resource: 'storageversionmigrations',
  kind: 'StorageVersionMigration',
  namespaced: false,
};

const defaultWorkers = 5;
const fieldManager = 'storage-version-migrator-controller';
/** The resource of a new migration may be about to be served. */
const graceMs = 60_000;
const pageSize = 500;

type Migration = Readonly<StorageVersionMigration>;

class StorageVersionMigrator {
  readonly #context: ControllerContext;
  readonly #client: ResourceClient<StorageVersionMigration>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#client = new ResourceClient(context.transport, storageVersionMigrations);
  }

  async migrate(migration: Migration): Promise<void> {
    const resource = await this.#find(migration);
    if (resource === undefined) return await this.#notServed(migration);
    const objects = metadataClient(this.#context.transport, resource);
    const { metadata } = await objects.list({ limit: 1 });
    const { resourceVersion = '' } = metadata;
    const running = await this.#say(migration, 'Running', { resourceVersion });
    const failed = await this.#rewriteAll(resource, objects);
    if (failed) await this.#say(running, 'Failed', { message: 'migration encountered unhandled error' });
    else await this.#say(running, 'Succeeded', {});
  }

  async #find({ spec }: Migration): Promise<DiscoveredResource | undefined> {
    const { transport, log, name: controller } = this.#context;
    const found = await discover(transport, ({ groupVersion, error }) =>
      log.warn({ controller, groupVersion, error: String(error) }, 'a group cannot be discovered'),
    );
    const wanted = spec?.resource;
    return found.find((one) => one.group === wanted?.group && one.resource === wanted.resource);
  }

  async #notServed(migration: Migration): Promise<void> {
    const created = parseTime(migration.metadata.creationTimestamp ?? '');
    if (this.#context.clock.now() < created + graceMs)
      throw new Error('the resource is not served, at least not yet: requeuing to attempt again');
    await this.#say(migration, 'Failed', { message: 'resource not found' });
  }

  async #say(
    migration: Migration,
    state: MigrationState,
    said: { readonly message?: string; readonly resourceVersion?: string },
  ): Promise<Migration> {
    const now = formatTime(this.#context.clock.now());
    return await this.#client.updateStatus({
      ...migration,
      status: migrationStatus(migration, state, { now, ...said }),
    });
  }

  /** Whether something went wrong. */
  async #rewriteAll(resource: DiscoveredResource, objects: ResourceClient): Promise<boolean> {
    let next: string | undefined;
    do {
      const page = await objects.list({ limit: pageSize, ...(next === undefined ? {} : { continue: next }) });
      const outcomes = await settleConcurrently(page.items.length, async (i) => {
        const object = page.items[i];
        if (object !== undefined) await this.#rewrite(resource, objects, object);
      });
      const failure = outcomes.find(({ status }) => status === 'rejected');
      if (failure !== undefined) {
        const { log, name: controller } = this.#context;
        const error = failure.status === 'rejected' ? String(failure.reason) : '';
        log.error({ controller, resource: resource.resource, error }, 'an object could not be migrated');
        return true;
      }
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (next !== undefined);
    return false;
  }

  /**
   * An apply that says nothing. With uid and version: what was written meanwhile is migrated, and what is gone must not be made
   * again.
   */
  async #rewrite(resource: DiscoveredResource, objects: ResourceClient, object: Readonly<ApiObject>): Promise<void> {
    const { name = '', namespace = '', uid, resourceVersion } = object.metadata;
    const metadata = { name, ...(namespace === '' ? {} : { namespace }), uid, resourceVersion };
    const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    try {
      await objects.in(namespace).patch(name, { type: 'application/apply-patch+yaml', body }, { fieldManager });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

export const storageVersionMigratorController: ControllerDescriptor = {
  name: 'storage-version-migrator-controller',
  create(context): Controller | undefined {
    if (!context.featureEnabled('StorageVersionMigrator') || !context.serves(storageVersionMigrations))
      return undefined;
    const queue = context.queue('storageversionmigrator');
    const informer = context.informers.informer(storageVersionMigrations);
    const enqueue = (migration: Migration): void => queue.add(migration.metadata.name ?? '');
    informer.addEventHandler({ onAdd: enqueue, onUpdate: (_old, migration) => enqueue(migration) });
    const migrator = new StorageVersionMigrator(context);
    return reconciler(context, {
      queue,
      informers: [informer],
      workers: workersOf(context, defaultWorkers),
      async reconcile(name) {
        const migration = informer.store.get(name);
        if (migration !== undefined && !isOver(migration)) await migrator.migrate(migration);
      },
    });
  },
};
