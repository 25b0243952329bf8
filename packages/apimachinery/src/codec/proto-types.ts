/**
 * The protobuf form of an API type: what `protobuf.ts` and `protobuf-decode.ts` walk. Built from the facts by package `api`.
 */

export type ProtoType =
  | { readonly kind: ProtoScalar }
  | { readonly kind: 'message'; readonly message: () => ProtoMessage }
  /** A list that is wrapped in a message of its own (`ExtraValue`, `Verbs`). */
  | { readonly kind: 'wrapped'; readonly items: ProtoType }
  /** JSON Schema's either-or values; `message` is that of JSONSchemaProps. */
  | { readonly kind: 'schemaOrArray' | 'schemaOrBool' | 'schemaOrStrings'; readonly message: () => ProtoMessage };

export type ProtoScalar =
  | 'string'
  | 'bool'
  | 'int'
  | 'double'
  | 'bytes'
  | 'time'
  | 'microTime'
  | 'duration'
  | 'quantity'
  | 'intOrString'
  /** Any JSON, as the bytes of its text in field 1. */
  | 'raw';

export interface ProtoField {
  /** JSON name; empty for `inline`. */
  readonly name: string;
  readonly number: number;
  /** `inline`: a message whose fields stand in the outer JSON object. */
  readonly shape: 'single' | 'list' | 'map' | 'inline';
  /** Left out when absent; all other fields are written even when zero. */
  readonly pointer: boolean;
  readonly type: ProtoType;
}

export interface ProtoMessage {
  /** In ascending number. */
  readonly fields: readonly ProtoField[];
}
