/**
 * The OpenAPI documents of this server: made on first request, kept until what is served changes
 * (`apiserver/pkg/server/routes/openapi.go`, kube-openapi `pkg/handler3/handler.go`).
 */
import { createHash } from 'node:crypto';
import type { GroupVersion } from '@kubets/apimachinery/meta';
import { pathDefinitions, type PathDefinition } from '@kubets/api/openapi/paths';
import { servedGroupVersions } from '@kubets/api/resources';
import { loadDescriptions, type Descriptions } from './descriptions.ts';
import { buildDocumentV2 } from './document-v2.ts';
import { buildDocumentV3, documentKey, type DocumentOptions } from './document-v3.ts';
import { encodeGnosticV2 } from './gnostic-v2.ts';
import type { Json } from './schemas.ts';

export interface Document {
  readonly bytes: Buffer;
  /** Upper-case hex of the SHA-512 of the bytes: the ETag, and `hash` of the index. */
  readonly hash: string;
}

export interface OpenApiOptions {
  /** `v1.36.2`. */
  readonly version: string;
  /** What this server serves of the built-in groups; by default what is on by default. */
  readonly served?: readonly GroupVersion[];
  /** Read when documents are made; by default the file that the build has made, if any. */
  readonly descriptions?: () => Descriptions;
}

type Source = () => Json;

export type V2Form = 'json' | 'protobuf';

function documentOf(bytes: Buffer): Document {
  return { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
}

const jsonDocument = (value: Json): Document => documentOf(Buffer.from(JSON.stringify(value)));

/** Paths of the server that this server does not have. */
const unserved = (path: string): boolean => path.startsWith('/logs');

/** Keeps, adds and removes documents. Not for the hot path: building all of them takes some hundred milliseconds. */
export class OpenApiService {
  readonly #options: OpenApiOptions;
  readonly #custom = new Map<string, Source>();
  /** What has been asked for; the index needs the hashes of all. */
  readonly #documents = new Map<string, Document>();
  readonly #hashes = new Map<string, string>();
  readonly #v2 = new Map<V2Form, Document>();
  #builtin: Map<string, PathDefinition[]> | undefined;
  #index: Document | undefined;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  /** Adds or replaces the document of a group version that is not built in (`apis/example.com/v1`). */
  setDocument(key: string, source: Source): void {
    this.#custom.set(key, source);
    this.#forget(key);
  }

  /** Removes what {@link setDocument} has added. */
  removeDocument(key: string): void {
    this.#custom.delete(key);
    this.#forget(key);
  }

  #forget(key: string): void {
    this.#documents.delete(key);
    this.#hashes.delete(key);
    this.#index = undefined;
  }

  /** The document behind `/openapi/v3/<key>`; `undefined` when there is none. */
  document(key: string): Document | undefined {
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key, this.#documentOptions());
    if (made !== undefined) this.#documents.set(key, made);
    return made;
  }

  #make(key: string, options: DocumentOptions): Document | undefined {
    const custom = this.#custom.get(key);
    const paths = this.#paths().get(key);
    if (custom === undefined && paths === undefined) return undefined;
    return jsonDocument(custom === undefined ? buildDocumentV3(paths ?? [], options) : custom());
  }

  /** `/openapi/v3`: where each document is, with its hash. Makes those that nobody has asked for yet, without keeping them. */
  index(): Document {
    if (this.#index !== undefined) return this.#index;
    const options = this.#documentOptions();
    const entries = this.#keys().map((key) => [
      key,
      { serverRelativeURL: this.urlOf(key, this.#hashOf(key, options)) },
    ]);
    this.#index = jsonDocument({ paths: Object.fromEntries(entries) as Json });
    return this.#index;
  }

  #hashOf(key: string, options: DocumentOptions): string {
    const known = this.#hashes.get(key) ?? (this.#documents.get(key) ?? this.#make(key, options))?.hash ?? '';
    this.#hashes.set(key, known);
    return known;
  }

  urlOf(key: string, hash: string): string {
    return `/openapi/v3/${key}?hash=${hash}`;
  }

  /** `/openapi/v2` of the built-in groups. */
  v2(form: V2Form): Document {
    const known = this.#v2.get(form);
    if (known !== undefined) return known;
    const document = buildDocumentV2([...this.#paths().values()].flat(), this.#documentOptions());
    const made = form === 'json' ? jsonDocument(document) : documentOf(encodeGnosticV2(document));
    this.#v2.set(form, made);
    return made;
  }

  #keys(): string[] {
    return [...new Set([...this.#paths().keys(), ...this.#custom.keys()])].toSorted();
  }

  #documentOptions(): DocumentOptions {
    const descriptions = (this.#options.descriptions ?? loadDescriptions)();
    return { version: this.#options.version, descriptions };
  }

  #paths(): Map<string, PathDefinition[]> {
    return (this.#builtin ??= pathsByDocument(this.#options.served ?? servedGroupVersions()));
  }
}

function pathsByDocument(served: readonly GroupVersion[]): Map<string, PathDefinition[]> {
  const keys = new Set(
    served.flatMap(({ group, version }) =>
      group === '' ? [`api/${version}`] : [`apis/${group}`, `apis/${group}/${version}`],
    ),
  );
  const documents = new Map<string, PathDefinition[]>();
  for (const definition of pathDefinitions()) {
    const key = documentKey(definition.path);
    if (unserved(definition.path) || (/^apis?\//.test(key) && !keys.has(key))) continue;
    const paths = documents.get(key) ?? [];
    paths.push(definition);
    documents.set(key, paths);
  }
  return documents;
}
