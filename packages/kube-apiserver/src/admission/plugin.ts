/** The admission port (`apiserver/pkg/admission/interfaces.go`). */
import type { ApiObject, GroupVersionKind, GroupVersionResource } from '@kubets/apimachinery/meta';
import type { UserInfo } from '../server/types.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: GroupVersionResource;
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  readonly namespace: string;
  /** May be empty on create with generateName. */
  readonly name: string;
  /** The new object, decoded and defaulted; mutating plugins change it in place. Absent on DELETE. */
  readonly object: ApiObject | undefined;
  /** Never changed. Absent on CREATE and CONNECT. */
  readonly oldObject: Readonly<ApiObject> | undefined;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions as sent. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly user: UserInfo;
  /** Adds a `Warning:` header to the answer. */
  warn(text: string): void;
  /** Audit annotations of the plugin. */
  annotate(key: string, value: string): void;
}

/**
 * Throws a StatusError to refuse (usually `newForbidden`). Order and defaults are those of
 * upstream's `admission-plugins.json`.
 */
export interface AdmissionPlugin {
  readonly name: string;
  handles(operation: Operation): boolean;
  /** Mutating phase. */
  admit?(attributes: AdmissionAttributes): void | Promise<void>;
  /** Validating phase, after the strategy's validation. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}
