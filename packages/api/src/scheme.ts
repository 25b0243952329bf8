/**
 * Every kind the API knows, with what can be done to its objects: decode, default, encode
 * (upstream: the scheme of `pkg/api/legacyscheme` and its codec factory).
 */
import { apiVersionOf, type ApiObject, type GroupVersionKind } from '@kubets/apimachinery/meta';
import { compileDecoder, type DecodeResult, type Decoder, type JsonObject } from '@kubets/apimachinery/schema/decoder';
import type { ObjectSchema } from '@kubets/apimachinery/schema/types';
import { decodeMessage, openEnvelope } from '@kubets/apimachinery/codec/protobuf-decode';
import { encodeMessage, encodeProtobuf } from '@kubets/apimachinery/codec/protobuf';
import type { DefaultingContext } from './defaulting/condition.ts';
import { defaulterOf, type Defaulter } from './defaulting/defaulter.ts';
import { json as kindsJson } from './generated/facts/kinds.ts';
import { lazy } from './lazy.ts';
import { protoMessage } from './proto-table.ts';
import { openapiName, schemaOf } from './schema-table.ts';

/** One kind in one version. Everything behind it is made on first use. */
export class KindInfo {
  readonly gvk: GroupVersionKind;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  /** `core-v1.Pod`: the key of the generated tables. */
  readonly typeId: string;
  /** `io.k8s.api.core.v1.Pod`. */
  readonly typeName: string;
  /** `PodList` when there is such a kind. */
  readonly listKind: string | undefined;
  #decoder: Decoder | undefined;
  #defaulter: Defaulter | undefined;

  constructor(gvk: GroupVersionKind, typeId: string, listKind: string | undefined) {
    this.gvk = gvk;
    this.apiVersion = apiVersionOf(gvk);
    this.typeId = typeId;
    this.typeName = openapiName(typeId);
    this.listKind = listKind;
  }

  get schema(): ObjectSchema {
    return schemaOf(this.typeId);
  }

  get decoder(): Decoder {
    return (this.#decoder ??= sharedDecoder(this.typeId));
  }

  /** Prunes and normalises; no defaults. Throws DecodeError. */
  decode(input: unknown): ApiObject {
    return typed(this.decoder.decode(input), this) as ApiObject;
  }

  /** As {@link decode}, and lists unknown and (given the JSON text) duplicate fields; see {@link Decoder.decodeStrict}. */
  decodeStrict(input: unknown, text?: string, addedKeys = 0): DecodeResult {
    const { object, strictErrors } = this.decoder.decodeStrict(input, text, addedKeys);
    return { object: typed(object, this), strictErrors };
  }

  /**
   * Sets defaults in a document, in place, and returns how many keys that added. The document may be fresh from
   * the parser or decoded; it must not be shared. Run the decoder afterwards: new fields are not in wire order yet.
   */
  applyDefaults(document: JsonObject, context?: DefaultingContext): number {
    this.#defaulter ??= defaulterOf(this.typeId);
    return this.#defaulter(document, context);
  }

  /**
   * A complete object from any value (the result of a patch, an object handed over in process): pruned, defaulted,
   * in wire order. The input is not changed and may be shared. Throws DecodeError.
   */
  decodeWithDefaults(input: unknown, context?: DefaultingContext): ApiObject {
    const object = this.decode(input);
    return this.applyDefaults(object, context) === 0 ? object : this.decode(object);
  }

  /** The enveloped protobuf bytes of a decoded object. */
  encodeProtobuf(object: Readonly<JsonObject>): Uint8Array {
    return encodeProtobuf(protoMessage(this.typeId), object, { apiVersion: this.apiVersion, kind: this.gvk.kind });
  }

  /** The protobuf bytes of a decoded object without envelope, as they stand inside a list. */
  encodeProtobufMessage(object: Readonly<JsonObject>): Uint8Array {
    return encodeMessage(protoMessage(this.typeId), object);
  }

  /** An object from enveloped protobuf bytes of this kind: decoded, no defaults. Throws DecodeError. */
  decodeProtobuf(bytes: Uint8Array): ApiObject {
    return this.decode(this.parseProtobuf(openEnvelope(bytes).raw));
  }

  /** The raw document of a protobuf message without envelope. Throws DecodeError. */
  parseProtobuf(message: Uint8Array): JsonObject {
    return { kind: this.gvk.kind, apiVersion: this.apiVersion, ...decodeMessage(protoMessage(this.typeId), message) };
  }
}

const decoders = new Map<string, Decoder>();

function sharedDecoder(typeId: string): Decoder {
  let decoder = decoders.get(typeId);
  if (decoder === undefined) {
    decoder = compileDecoder(schemaOf(typeId));
    decoders.set(typeId, decoder);
  }
  return decoder;
}

/** Puts kind and apiVersion in front when the document left them out. */
function typed(object: JsonObject, info: KindInfo): JsonObject {
  if (object['kind'] !== undefined && object['apiVersion'] !== undefined) return object;
  const { kind, apiVersion, ...rest } = object;
  return { kind: kind ?? info.gvk.kind, apiVersion: apiVersion ?? info.apiVersion, ...rest };
}

const kinds = lazy(() => {
  const rows = JSON.parse(kindsJson) as [string, string, string, string][];
  const names = new Set(rows.map(([group, version, kind]) => `${group}/${version}/${kind}`));
  const map = new Map<string, KindInfo>();
  for (const [group, version, kind, typeId] of rows) {
    const list = names.has(`${group}/${version}/${kind}List`) ? `${kind}List` : undefined;
    map.set(`${group}/${version}/${kind}`, new KindInfo({ group, version, kind }, typeId, list));
  }
  return map;
});

/** The kind, if it is known in that group and version. */
export function kindInfo(gvk: GroupVersionKind): KindInfo | undefined {
  return kinds().get(`${gvk.group}/${gvk.version}/${gvk.kind}`);
}

/** All kinds, published and not. */
export function allKinds(): Iterable<KindInfo> {
  return kinds().values();
}
