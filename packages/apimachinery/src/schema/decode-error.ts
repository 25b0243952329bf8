/**
 * What can be wrong with a document, before it is wrapped into a Status
 * (`sigs.k8s.io/json`: `UnmarshalTypeError`; `apimachinery/pkg/runtime/error.go`: `strictDecodingError`).
 */

/** The document does not fit the type. The message is the text users see behind `cannot be handled as a Pod: `. */
export class DecodeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DecodeError';
  }
}

/** Upstream's limit on the strict errors reported for one document. */
export const maxStrictErrors = 100;

/** `strict decoding error: unknown field "spec.foo", duplicate field "spec.bar"`. */
export function strictErrorText(errors: readonly string[]): string {
  return `strict decoding error: ${errors.join(', ')}`;
}
