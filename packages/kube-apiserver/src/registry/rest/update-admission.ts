/** What PUT, PATCH and the subresources that write have in common: conversion and admission around one update. */
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import { newForbidden } from '@kubets/apimachinery/status';
import type { WriteContext } from '../generic/write-context.ts';
import { Attributes } from './attributes.ts';
import { warnOfDuplicateOwners } from './create.ts';
import type { ResourceScope } from './scope.ts';
import type { WriteOptions } from './write-options.ts';

export class UpdateAdmission {
  readonly scope: ResourceScope;
  readonly context: WriteContext;
  readonly options: WriteOptions;
  readonly subresource: string;
  /** Of the body, for admission. */
  readonly bodyKind: GroupVersionKind | undefined;

  // oxlint-disable-next-line max-params -- the four things every write has, and the body's kind where it differs
  constructor(
    scope: ResourceScope,
    context: WriteContext,
    options: WriteOptions,
    subresource: string,
    bodyKind?: GroupVersionKind,
  ) {
    this.scope = scope;
    this.context = context;
    this.options = options;
    this.subresource = subresource;
    this.bodyKind = bodyKind;
  }

  /** A stored object in the version of the request. */
  served(object: Readonly<ApiObject>): Readonly<ApiObject> {
    return this.scope.fromStorage === undefined ? object : this.scope.fromStorage(object);
  }

  stored(object: ApiObject): ApiObject {
    return this.scope.toStorage === undefined ? object : this.scope.toStorage(object);
  }

  /** Runs the mutating phase over the new object, and returns it. */
  admit(object: ApiObject, old: Readonly<ApiObject> | undefined): ApiObject | Promise<ApiObject> {
    const admitted = this.scope.environment.chain.admit(this.#attributes(object, old));
    if (admitted !== undefined) return admitted.then(() => this.#afterAdmit(object));
    return this.#afterAdmit(object);
  }

  validateUpdate(object: ApiObject, old: Readonly<ApiObject>): void | Promise<void> {
    return this.scope.environment.chain.validate(this.#attributes(object, old));
  }

  /** An update that creates needs the right to create (`withAuthorization`). */
  async validateCreate(object: ApiObject): Promise<void> {
    await this.#authorizeCreate(object.metadata.name ?? '');
    await this.scope.environment.chain.validate(this.#attributes(object, undefined));
  }

  async #authorizeCreate(name: string): Promise<void> {
    const { authorizer } = this.scope.environment;
    if (authorizer === undefined) return;
    const { group, version, resource } = this.scope.resource;
    const decision = await authorizer.authorize({
      user: this.context.user,
      verb: 'create',
      isResourceRequest: true,
      path: this.context.request.path,
      namespace: this.context.namespace,
      group,
      version,
      resource,
      subresource: this.subresource,
      name,
    });
    if (decision.decision !== 'allow') throw newForbidden(this.scope.groupResource, name, decision.reason);
  }

  #afterAdmit(object: ApiObject): ApiObject {
    warnOfDuplicateOwners(this.context, object.metadata, true);
    return object;
  }

  #attributes(object: ApiObject, old: Readonly<ApiObject> | undefined): Attributes {
    return new Attributes(this.scope, this.context, {
      operation: old === undefined ? 'CREATE' : 'UPDATE',
      name: object.metadata.name ?? '',
      subresource: this.subresource,
      object,
      oldObject: old,
      options: this.options.sent,
      ...(this.bodyKind && { kind: this.bodyKind }),
    });
  }
}
