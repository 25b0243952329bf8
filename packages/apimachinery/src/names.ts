/**
 * What names, keys and values may look like, with the messages users know
 * (`k8s.io/apimachinery/pkg/util/validation/validation.go`, `pkg/api/validate/content/`).
 *
 * Every `is…` function returns the list of complaints: empty when the value is fine.
 */
import type { Random } from './clock.ts';

/** Length in UTF-8 bytes, as Go's `len`. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) bytes += 1;
    else if (code < 0xd800 || code > 0xdbff) bytes += 2;
    else {
      // A surrogate pair is two units here and four bytes there.
      bytes += 2;
      i++;
    }
  }
  return bytes;
}

/** `must be no more than N characters`. */
export const maxLenError = (length: number): string => `must be no more than ${length} characters`;
/** The wording of `content.MaxLenError`, used for label keys and values. */
const maxBytesError = (length: number): string => `must be no more than ${length} bytes`;
/** `must be non-empty`. */
export const emptyError = (): string => 'must be non-empty';
/** `must be between LO and HI, inclusive`. */
export const inclusiveRangeError = (lo: number, hi: number): string => `must be between ${lo} and ${hi}, inclusive`;

/** A message with examples and the pattern, spaced as upstream spaces it. */
export function regexError(message: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const list = examples.map((e) => `'${e}', `).join(' or ');
  return `${message} (e.g. ${list}regex used for validation is '${pattern}')`;
}

interface Rule {
  readonly regex: RegExp;
  readonly message: string;
}

function rule(pattern: string, message: string, ...examples: string[]): Rule {
  return { regex: new RegExp(`^${pattern}$`), message: regexError(message, pattern, ...examples) };
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const edges = 'and must start and end with an alphanumeric character';

const labelRule = rule(
  label,
  `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', ${edges}`,
  'my-name',
  '123-abc',
);
const subdomainRule = rule(
  subdomain,
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ${edges}`,
  'example.com',
);
const underscoreLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreRule = rule(
  `${underscoreLabel}(\\.${underscoreLabel})*`,
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', ${edges}`,
  'example.com',
);
const dns1035Rule = rule(
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " +
    'and end with an alphanumeric character',
  'my-name',
  'abc-123',
);
const wildcardRule = rule(
  `\\*\\.${subdomain}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of " +
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
);
const qualifiedRule = rule(
  qualified,
  `must consist of alphanumeric characters, '-', '_' or '.', ${edges}`,
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueRule = rule(
  `(${qualified})?`,
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', ${edges}`,
  'MyValue',
  'my_value',
  '12345',
);
const cIdentifierRule = rule(
  '[A-Za-z_][A-Za-z0-9_]*',
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric " +
    "characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
);
const percentRule = rule(
  '[0-9]+%',
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
);
const headerRule = rule(
  '[-A-Za-z0-9]+',
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
);
const envVarRule = rule(
  '[-._a-zA-Z][-._a-zA-Z0-9]*',
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not " +
    'start with a digit',
  'my.env-name',
  'MY_ENV.NAME',
  'MyEnvName1',
);
const configKeyRule = rule(
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
);
const httpPathRule = rule("[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", 'Invalid path');

const check = (value: string, { regex, message }: Rule): string[] => (regex.test(value) ? [] : [message]);

function checkLength(value: string, max: number, against: Rule): string[] {
  const errors = check(value, against);
  if (byteLength(value) > max) errors.unshift(maxLenError(max));
  return errors;
}

/** A DNS label (RFC 1123): at most 63 of `[-a-z0-9]`. */
export function isDNS1123Label(value: string): string[] {
  const errors = checkLength(value, 63, labelRule);
  // A good subdomain that is no good label has dots: saying so is clearer than the pattern.
  if (errors.includes(labelRule.message) && subdomainRule.regex.test(value)) {
    errors[errors.length - 1] = 'must not contain dots';
  }
  return errors;
}

/** DNS labels with dots between them, at most 253 long. */
export const isDNS1123Subdomain = (value: string): string[] => checkLength(value, 253, subdomainRule);
/** As {@link isDNS1123Subdomain}, underscores allowed. */
export const isDNS1123SubdomainWithUnderscore = (value: string): string[] => checkLength(value, 253, underscoreRule);
/** A DNS label that starts with a letter (RFC 1035). */
export const isDNS1035Label = (value: string): string[] => checkLength(value, 63, dns1035Rule);
/** `*.example.com` (RFC 1034 section 4.3.3). */
export const isWildcardDNS1123Subdomain = (value: string): string[] => checkLength(value, 253, wildcardRule);
/** A name that C accepts. */
export const isCIdentifier = (value: string): string[] => check(value, cIdentifierRule);
/** `25%`. */
export const isValidPercent = (value: string): string[] => check(value, percentRule);
/** The name of an HTTP header. */
export const isHTTPHeaderName = (value: string): string[] => check(value, headerRule);

/** `name` or `prefix.example.com/name`: the form of label keys, finalizers, resource names. */
export function isQualifiedName(value: string): string[] {
  // Most keys are fine: one test each for the two forms, before the parts are taken apart.
  const slash = value.indexOf('/');
  if (slash < 0 && value.length <= 63 && qualifiedRule.regex.test(value)) return [];
  const parts = value.split('/');
  if (parts.length > 2) {
    const hint = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a qualified name ${qualifiedRule.message}${hint}`];
  }
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, value];
  const errors: string[] = [];
  if (prefix === '') errors.push(`prefix part ${emptyError()}`);
  else if (prefix !== undefined) {
    if (byteLength(prefix) > 253) errors.push(`prefix part ${maxBytesError(253)}`);
    for (const message of check(prefix, subdomainRule)) errors.push(`prefix part ${message}`);
  }
  if (name === '') errors.push(`name part ${emptyError()}`);
  else if (byteLength(name) > 63) errors.push(`name part ${maxBytesError(63)}`);
  for (const message of check(name, qualifiedRule)) errors.push(`name part ${message}`);
  return errors;
}

/** Empty, or at most 63 of `[-A-Za-z0-9_.]` with an alphanumeric at both ends. */
export function isValidLabelValue(value: string): string[] {
  const errors = check(value, labelValueRule);
  if (byteLength(value) > 63) errors.unshift(maxBytesError(63));
  return errors;
}

function changesDirectory(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** The strict form; Kubernetes 1.36 accepts what {@link isRelaxedEnvVarName} accepts. */
export const isEnvVarName = (value: string): string[] => [...check(value, envVarRule), ...changesDirectory(value)];

/** Printable ASCII without `=`. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyError()}`];
  if (/^[ -<>-~]+$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of ConfigMaps and Secrets. */
export const isConfigMapKey = (value: string): string[] => [
  ...checkLength(value, 253, configKeyRule),
  ...changesDirectory(value),
];

/** Both ends included. */
export const isInRange = (value: number, min: number, max: number): string[] =>
  value >= min && value <= max ? [] : [inclusiveRangeError(min, max)];
/** 1 to 65535. */
export const isValidPortNum = (port: number): string[] => isInRange(port, 1, 65535);
/** 0 to 2^32-1. */
export const isValidUserID = (uid: number): string[] => isInRange(uid, 0, 0xffffffff);
/** 0 to 2^32-1. */
export const isValidGroupID = (gid: number): string[] => isInRange(gid, 0, 0xffffffff);

/** An IANA service name: at most 15 of `[-a-z0-9]`, a letter among them. */
export function isValidPortName(port: string): string[] {
  const errors: string[] = [];
  if (byteLength(port) > 15) errors.push(maxLenError(15));
  if (!/^[-a-z0-9]+$/.test(port)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(port)) errors.push('must contain at least one letter (a-z)');
  if (port.includes('--')) errors.push('must not contain consecutive hyphens');
  if (port.startsWith('-') || port.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** What an HTTP path of a domain-prefixed path may hold (RFC 3986). */
export const isHTTPPath = (value: string): string[] => check(value, httpPathRule);

/**
 * Checks an object's name; `prefix` says that it is a `generateName`, to which a suffix will be added
 * (`k8s.io/apimachinery/pkg/api/validation.ValidateNameFunc`).
 */
export type NameValidator = (name: string, prefix: boolean) => string[];

/** A generateName may end in a dash, which the suffix will follow (`maskTrailingDash`). */
const masked = (name: string, prefix: boolean): string =>
  prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;

/** Most names (`NameIsDNSSubdomain`). */
export const nameIsDNSSubdomain: NameValidator = (name, prefix) => isDNS1123Subdomain(masked(name, prefix));
/** Names that become DNS labels (`NameIsDNSLabel`). */
export const nameIsDNSLabel: NameValidator = (name, prefix) => isDNS1123Label(masked(name, prefix));
/** Names of Services (`NameIsDNS1035Label`). */
export const nameIsDNS1035Label: NameValidator = (name, prefix) => isDNS1035Label(masked(name, prefix));
/** Names of Namespaces. */
export const validateNamespaceName: NameValidator = nameIsDNSLabel;
/** Names of ServiceAccounts. */
export const validateServiceAccountName: NameValidator = nameIsDNSSubdomain;

/** Names that only need to fit into a URL path, such as RBAC's (`pkg/api/validation/path/name.go`). */
export const validatePathSegmentName: NameValidator = (name, prefix) => {
  if (!prefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`);
};

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxGeneratedNameLength = 63;

/** `length` characters without vowels, so that no words come out (`k8s.io/apimachinery/pkg/util/rand.String`). */
export function randomSuffix(random: Random, length: number = suffixLength): string {
  let suffix = '';
  for (let i = 0; i < length; i++) suffix += suffixAlphabet[Math.floor(random.float() * suffixAlphabet.length)];
  return suffix;
}

/** A name from `generateName`: base cut to 58 characters and five random ones (`names.SimpleNameGenerator`). */
export function generateName(base: string, random: Random): string {
  // Joined, not added: the sum of two strings stays in two pieces, and slows JSON.stringify down for the whole object.
  return [base.slice(0, maxGeneratedNameLength - suffixLength), randomSuffix(random)].join('');
}
