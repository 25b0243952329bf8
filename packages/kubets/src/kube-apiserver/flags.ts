/** The flags of `kubets kube-apiserver`: upstream's names and meanings, as far as they are built. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseDurationMs } from '@kubets/apimachinery/duration';
import { UserError } from '../user-error.ts';
import { kubeApiserverFlags } from '../generated/flags.ts';

/** How a flag's text is read. */
type Reader<T> = (text: string, flag: string) => T;

const fail = (flag: string, text: string, what: string): never => {
  throw new UserError(`--${flag}: ${JSON.stringify(text)} is ${what}`);
};

const text: Reader<string> = (value) => value;
const list: Reader<string[]> = (value) => value.split(',').filter((part) => part !== '');
const bool: Reader<boolean> = (value, flag) => {
  if (value === 'true' || value === 'false') return value === 'true';
  return fail(flag, value, 'neither true nor false');
};
const integer: Reader<number> = (value, flag) =>
  /^\d+$/.test(value) ? Number(value) : fail(flag, value, 'no whole number');
const port: Reader<number> = (value, flag) => {
  const number = integer(value, flag);
  return number >= 1 && number <= 65_535 ? number : fail(flag, value, 'no port');
};
const ip: Reader<string> = (value, flag) => (isIP(value) === 0 ? fail(flag, value, 'no IP address') : value);
const duration: Reader<number> = (value, flag) => {
  try {
    return parseDurationMs(value);
  } catch {
    // The text itself says enough: `1h30m` is the form.
    return fail(flag, value, 'no duration such as 1h30m');
  }
};
const file: Reader<string> = (path, flag) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`--${flag}: ${(error as Error).message}`, { cause: error });
  }
};
const portRange: Reader<{ first: number; last: number }> = (value, flag) => {
  const [, first = '', last = ''] = /^(\d+)-(\d+)$/.exec(value) ?? fail(flag, value, 'no range such as 30000-32767');
  const range = { first: port(first, flag), last: port(last, flag) };
  return range.first <= range.last ? range : fail(flag, value, 'an empty range');
};
const pemBlock = /-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g;

/** A file that holds what its name says; found out here, where the flag is known. */
const pemFile =
  (what: string, check: (pem: string) => unknown): Reader<string> =>
  (path, flag) => {
    const content = file(path, flag);
    try {
      const blocks = content.match(pemBlock) ?? [];
      for (const block of blocks) check(block);
      if (blocks.length > 0) return content;
    } catch (error) {
      throw new UserError(`--${flag}: ${path} holds no ${what}: ${(error as Error).message}`, { cause: error });
    }
    throw new UserError(`--${flag}: ${path} holds no ${what} in PEM`);
  };
const certificates = pemFile('certificate', (pem) => new X509Certificate(pem));
/** OpenSSL writes parameters in front of elliptic keys. */
const privateKey = pemFile('private key', (pem) => pem.includes('PARAMETERS') || createPrivateKey(pem));
const publicKeys = pemFile('key', (pem) => pem.includes('PARAMETERS') || createPublicKey(pem));

const gates: Reader<Record<string, boolean>> = (value, flag) =>
  Object.fromEntries(
    list(value, flag).map((pair) => {
      const [name = '', state = ''] = pair.split('=');
      return [name, bool(state, flag)];
    }),
  );

interface Flag<T> {
  readonly read: Reader<T>;
  /** What an absent flag means; required when there is none. */
  readonly default?: T;
  readonly required?: true;
  /** Given several times, the values are put together. */
  readonly repeat?: true;
  readonly help: string;
}

const flag = <T>(definition: Flag<T>): Flag<T> => definition;

export const flags = {
  'data-dir': flag({ read: text, required: true, help: 'where the embedded store keeps its data (a flag of kubets)' }),
  'bind-address': flag({ read: ip, default: '0.0.0.0', help: 'address to listen on' }),
  'secure-port': flag({ read: port, default: 6443, help: 'port to listen on' }),
  'advertise-address': flag({ read: ip, default: '', help: 'address that clients inside the cluster are told' }),
  'tls-cert-file': flag({ read: certificates, required: true, help: 'serving certificate, PEM' }),
  'tls-private-key-file': flag({ read: privateKey, required: true, help: 'its key, PEM' }),
  'client-ca-file': flag({ read: certificates, default: '', help: 'CA of client certificates, PEM' }),
  'requestheader-client-ca-file': flag({ read: certificates, default: '', help: 'CA of front proxies, PEM' }),
  'requestheader-allowed-names': flag({ read: list, default: [], help: 'common names of front proxies; empty: any' }),
  'requestheader-username-headers': flag({
    read: list,
    default: ['X-Remote-User'],
    help: 'headers with the user name',
  }),
  'requestheader-uid-headers': flag({ read: list, default: [], help: "headers with the user's uid" }),
  'requestheader-group-headers': flag({ read: list, default: ['X-Remote-Group'], help: 'headers with groups' }),
  'requestheader-extra-headers-prefix': flag({
    read: list,
    default: ['X-Remote-Extra-'],
    help: 'prefixes of headers with extras',
  }),
  'service-account-issuer': flag({
    read: list,
    required: true,
    repeat: true,
    help: 'issuer of tokens; the first signs',
  }),
  'service-account-signing-key-file': flag({
    read: privateKey,
    required: true,
    help: 'private key that signs tokens, PEM',
  }),
  'service-account-key-file': flag({
    read: (path: string, name: string) => [publicKeys(path, name)],
    default: [],
    repeat: true,
    help: 'keys that verify tokens, PEM',
  }),
  'service-account-max-token-expiration': flag({ read: duration, default: 0, help: 'longest life of a token' }),
  'service-account-extend-token-expiration': flag({
    read: bool,
    default: true,
    help: 'longer tokens for pods while clients migrate',
  }),
  'service-account-jwks-uri': flag({ read: text, default: '', help: 'where discovery says the keys are' }),
  'api-audiences': flag({ read: list, default: [], help: 'audiences of this server; default: the issuer' }),
  'authorization-mode': flag({ read: list, default: ['AlwaysAllow'], help: 'Node, RBAC, AlwaysAllow, AlwaysDeny' }),
  'anonymous-auth': flag({ read: bool, default: true, help: 'requests without credentials are anonymous' }),
  'enable-bootstrap-token-auth': flag({ read: bool, default: false, help: 'tokens in secrets of kube-system' }),
  'token-auth-file': flag({ read: text, default: '', help: 'CSV of tokens, users and groups' }),
  'enable-admission-plugins': flag({ read: list, default: [], help: 'on besides the defaults' }),
  'disable-admission-plugins': flag({ read: list, default: [], help: 'off' }),
  'feature-gates': flag({ read: gates, default: {}, help: 'A=true,B=false' }),
  'service-cluster-ip-range': flag({ read: list, default: ['10.0.0.0/24'], help: 'addresses of Services' }),
  'service-node-port-range': flag({
    read: portRange,
    default: { first: 30_000, last: 32_767 },
    help: 'node ports of Services',
  }),
  'event-ttl': flag({ read: duration, default: 3_600_000, help: 'how long events are kept' }),
  'request-timeout': flag({ read: duration, default: 60_000, help: 'how long a request may take' }),
  'min-request-timeout': flag({ read: integer, default: 1800, help: 'seconds a watch is kept at least' }),
  'max-requests-inflight': flag({ read: integer, default: 400, help: 'together with the next: requests at a time' }),
  'max-mutating-requests-inflight': flag({ read: integer, default: 200, help: 'see above' }),
  'logging-format': flag({ read: text, default: 'text', help: 'text or json' }),
  v: flag({ read: integer, default: 0, help: 'verbosity of the log' }),
};

type Flags = typeof flags;
export type FlagName = keyof Flags;
export type FlagValues = { readonly [K in FlagName]: Flags[K] extends Flag<infer T> ? T : never };

/** Cuts `--name=value`, `--name value` and bare boolean `--name` into pairs. */
function pairs(args: readonly string[]): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
    if (match === null) throw new UserError(`kube-apiserver takes no arguments: ${JSON.stringify(arg)}`);
    const [, name = '', value] = match;
    const known = knownFlag(name);
    if (value !== undefined) found.push([name, value]);
    else if (known.read === bool) found.push([name, 'true']);
    else if (i + 1 < args.length) found.push([name, args[++i] ?? '']);
    else throw new UserError(`flag needs an argument: --${name}`);
  }
  return found;
}

function knownFlag(name: string): Flag<unknown> {
  const known = (flags as Readonly<Record<string, Flag<unknown>>>)[name];
  if (known !== undefined) return known;
  if (kubeApiserverFlags.includes(name)) {
    throw new UserError(`--${name} is a flag of upstream's kube-apiserver that kubets has not built yet`);
  }
  throw new UserError(`unknown flag: --${name}`);
}

function merged(old: unknown, value: unknown, repeat: boolean): unknown {
  return repeat && Array.isArray(old) && Array.isArray(value)
    ? [...(old as unknown[]), ...(value as unknown[])]
    : value;
}

/** Throws a {@link UserError} for unknown flags, flags that are not built, bad values and missing ones. */
export function parseFlags(args: readonly string[]): FlagValues {
  const values: Record<string, unknown> = {};
  for (const [name, value] of pairs(args)) {
    const definition = knownFlag(name);
    values[name] = merged(values[name], definition.read(value, name), definition.repeat === true);
  }
  for (const [name, definition] of Object.entries(flags as Readonly<Record<string, Flag<unknown>>>)) {
    if (values[name] !== undefined) continue;
    if (definition.required === true) throw new UserError(`required flag --${name} is not set`);
    values[name] = definition.default;
  }
  return values as unknown as FlagValues;
}

/** One line a flag. */
export function flagsHelp(): string {
  const lines = Object.entries(flags as Readonly<Record<string, Flag<unknown>>>).map(
    ([name, { help, required, default: value }]) => {
      const tail =
        required === true
          ? '(required)'
          : value === '' || value === undefined
            ? ''
            : `(default ${JSON.stringify(value)})`;
      return `  --${name.padEnd(40)} ${help} ${tail}`.trimEnd();
    },
  );
  return `Usage: kubets kube-apiserver [flags]\n\n${lines.join('\n')}\n`;
}
