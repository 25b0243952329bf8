/**
 * The runtime form of an API type: what the decoder, the patches, apply and the codecs walk.
 *
 * Built from the facts (package `api`) or, for custom resources, from their OpenAPI schema.
 * Recursive types are real cycles of references: never walk a schema without data to guide the walk.
 */

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean';

/** Formats with their own decoding rules; others are carried but mean nothing to the decoder. */
export type ScalarFormat =
  | ''
  | 'int32'
  | 'int64'
  | 'double'
  | 'byte'
  | 'date-time'
  | 'micro-time'
  | 'duration'
  | 'quantity'
  | 'int-or-string';

export interface ScalarSchema {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  readonly format: ScalarFormat;
  /** Closed set of values; empty when open. */
  readonly enum: readonly string[];
}

export interface ListSchema {
  readonly kind: 'list';
  readonly items: Schema;
  /** `x-kubernetes-list-type`; `atomic` when the facts are silent, as apply treats it. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly mapKeys: readonly string[];
}

export interface MapSchema {
  readonly kind: 'map';
  readonly values: Schema;
  readonly mapType: 'granular' | 'atomic';
}

export interface ObjectSchema {
  readonly kind: 'object';
  /** OpenAPI name, e.g. `io.k8s.api.core.v1.Pod`; empty for inline objects of custom resources. */
  readonly name: string;
  /** In the order in which the server writes them. */
  readonly fields: readonly FieldSchema[];
  readonly byName: ReadonlyMap<string, FieldSchema>;
  readonly mapType: 'granular' | 'atomic';
  /** `x-kubernetes-preserve-unknown-fields`: unknown fields are kept. */
  readonly preserveUnknownFields: boolean;
}

/** Anything at all: RawExtension, JSON, FieldsV1. Kept as it came. */
export interface AnySchema {
  readonly kind: 'any';
  readonly name: string;
}

export type Schema = ScalarSchema | ListSchema | MapSchema | ObjectSchema | AnySchema;

export interface FieldSchema {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
  /** Written even when zero (`""`, `0`, `false`, `{}`, `null` for lists and maps), as Go's encoder does without `omitempty`. */
  readonly always: boolean;
  /** A Go pointer: zero values are told apart from absence, and kept. */
  readonly pointer: boolean;
  /** Published default (`default` of OpenAPI), used by apply for list-map keys. */
  readonly default?: unknown;
  /** `x-kubernetes-patch-strategy`, split at commas: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string;
}
