/** The flags of `kubets kube-apiserver`: upstream's names and meanings, as far as they are built. */
import { flag, FlagSet, type ValuesOf } from '../flags/flag-set.ts';
import {
  bool,
  certificates,
  duration,
  gates,
  integer,
  ip,
  list,
  port,
  portRange,
  privateKey,
  publicKeys,
  text,
} from '../flags/readers.ts';
import { kubeApiserverFlags } from '../generated/flags.ts';

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

const set = new FlagSet('kube-apiserver', flags, kubeApiserverFlags);

export type FlagValues = ValuesOf<typeof flags>;

/** Throws a UserError for unknown flags, flags that are not built, bad values and missing ones. */
export const parseFlags = (args: readonly string[]): FlagValues => set.parse(args);

/** One line a flag. */
export const flagsHelp = (): string => set.help();
