/** Admission attributes of one request (`apiserver/pkg/admission/attributes.go`). */
import type { ApiObject, GroupVersionKind, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { AdmissionAttributes, Operation } from '../../admission/plugin.ts';
import type { UserInfo } from '../../server/types.ts';
import type { WriteContext } from '../generic/write-context.ts';
import type { ResourceScope } from './scope.ts';

export interface AttributesInput {
  readonly operation: Operation;
  readonly name: string;
  readonly subresource?: string;
  readonly object?: ApiObject | undefined;
  readonly oldObject?: Readonly<ApiObject> | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** Of the request's body where it is not the resource's own kind (Scale, Eviction, Binding). */
  readonly kind?: GroupVersionKind;
}

export class Attributes implements AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: GroupVersionResource;
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  readonly namespace: string;
  readonly name: string;
  readonly object: ApiObject | undefined;
  readonly oldObject: Readonly<ApiObject> | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly user: UserInfo;
  readonly #context: WriteContext;

  constructor(scope: ResourceScope, context: WriteContext, input: AttributesInput) {
    this.operation = input.operation;
    this.resource = scope.resource;
    this.subresource = input.subresource ?? '';
    this.kind = input.kind ?? scope.gvk;
    this.namespace = context.namespace;
    this.name = input.name;
    this.object = input.object;
    this.oldObject = input.oldObject;
    this.options = input.options;
    this.dryRun = context.dryRun;
    this.user = context.user;
    this.#context = context;
  }

  warn(text: string): void {
    this.#context.warn(text);
  }

  annotate(key: string, value: string): void {
    this.#context.annotate(key, value);
  }
}
