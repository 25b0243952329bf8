/** How configuration types are described to the decoder. */

export type ConfigField =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  /** A Go duration, `1m30s`. */
  | 'Duration'
  /** Read as it is. */
  | 'any'
  | { readonly object: string }
  | { readonly list: ConfigField };

/** Fields by type name. */
export type ConfigSchema = Readonly<Record<string, Readonly<Record<string, ConfigField>>>>;
