/** Names of signers (`pkg/apis/certificates/validation/validation.go`, `ValidateCertificateSigningRequestSignerName`). */
import { byteLength, isDNS1123Label, isDNS1123Subdomain } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';

const maxDomain = 253;
/** A domain, a slash, a namespace, a dot, a name. */
const maxName = maxDomain + 1 + 63 + 1 + 253;

/** The first label that is no good says why; more would only repeat it. */
function checkLabels(
  errors: ErrorList,
  segment: string,
  { path, check }: { path: string; check: (label: string) => string[] },
): void {
  for (const label of segment.split('.')) {
    const messages = check(label);
    const detail = `validating label ${JSON.stringify(label)}: `;
    errors.eachInvalid(
      path,
      segment,
      messages.map((message) => detail + message),
    );
    if (messages.length > 0) return;
  }
}

/** `example.com/signer-name`. */
export function checkSignerName(errors: ErrorList, name: string, path: string): void {
  if (name === '') {
    errors.required(path, 'signerName must be provided');
    return;
  }
  const [domain = '', rest, ...more] = name.split('/');
  if (rest === undefined || more.length > 0) {
    errors.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  if (byteLength(domain) > maxDomain) errors.tooLong(path, maxDomain);
  checkLabels(errors, domain, { path, check: isDNS1123Label });
  if (!domain.includes('.')) {
    errors.invalid(path, domain, 'should be a domain with at least two segments separated by dots');
  }
  checkLabels(errors, rest, { path, check: isDNS1123Subdomain });
  if (byteLength(name) > maxName) errors.tooLong(path, maxName);
}
