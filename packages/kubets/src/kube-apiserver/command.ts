/** `kubets kube-apiserver`: the API server alone, with upstream's flags. */
import { Command } from 'commander';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { openEmbeddedStore, type EmbeddedStore } from '@kubets/etcd';
import {
  createKubeApiServer,
  parseAuthorizationModes,
  parseTokenFile,
  type KubeApiServerOptions,
  type Log,
} from '@kubets/kube-apiserver';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { createLog } from '../log.ts';
import { advertiseAddress, nthAddress } from '../up/addresses.ts';
import { serviceRanges } from '../up/options.ts';
import { stopSignal } from '../up/signals.ts';
import { UserError } from '../user-error.ts';
import { flagsHelp, parseFlags, type FlagValues } from './flags.ts';

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

function requestHeaderOf(flags: FlagValues): KubeApiServerOptions['requestHeader'] {
  if (flags['requestheader-client-ca-file'] === '') return undefined;
  return {
    allowedNames: flags['requestheader-allowed-names'],
    usernameHeaders: flags['requestheader-username-headers'],
    uidHeaders: flags['requestheader-uid-headers'],
    groupHeaders: flags['requestheader-group-headers'],
    extraHeaderPrefixes: flags['requestheader-extra-headers-prefix'],
  };
}

function serverOptions(flags: FlagValues, storage: EmbeddedStore, log: Log): KubeApiServerOptions {
  const tokenFile = flags['token-auth-file'];
  const ranges = serviceRanges(flags['service-cluster-ip-range'].join(','));
  const host = flags['bind-address'];
  const present = (text: string): string[] => (text === '' ? [] : [text]);
  return {
    clock: systemClock,
    random: systemRandom,
    log,
    storage,
    storageSize: { clusterId: storage.clusterId, bytes: () => storage.fileBytes },
    listen: {
      host,
      port: flags['secure-port'],
      tls: {
        certificate: flags['tls-cert-file'],
        key: flags['tls-private-key-file'],
        clientCas: present(flags['client-ca-file']),
        frontProxyCas: present(flags['requestheader-client-ca-file']),
      },
    },
    serviceAccounts: {
      issuers: flags['service-account-issuer'],
      signingKey: flags['service-account-signing-key-file'],
      verificationKeys: flags['service-account-key-file'],
      maxTokenExpirationSeconds: flags['service-account-max-token-expiration'] / 1000,
      extendTokenExpiration: flags['service-account-extend-token-expiration'],
      jwksUri: flags['service-account-jwks-uri'],
    },
    apiAudiences: flags['api-audiences'],
    authorizationModes: parseAuthorizationModes(flags['authorization-mode']),
    anonymous: { enabled: flags['anonymous-auth'], conditions: [] },
    bootstrapTokens: flags['enable-bootstrap-token-auth'],
    ...optional('tokenFile', tokenFile === '' ? undefined : parseTokenFile(readFileSync(tokenFile, 'utf8'), tokenFile)),
    ...optional('requestHeader', requestHeaderOf(flags)),
    admission: { enable: flags['enable-admission-plugins'], disable: flags['disable-admission-plugins'] },
    advertise: { address: flags['advertise-address'] || advertiseAddress(host), port: flags['secure-port'] },
    hostname: hostname(),
    serviceClusterIpRanges: ranges,
    serviceNodePortRange: flags['service-node-port-range'],
    serviceAddress: nthAddress(ranges[0] ?? '', 1),
    trust: { clientCa: flags['client-ca-file'], frontProxyCa: flags['requestheader-client-ca-file'] },
    // The controllers are somebody else's where each component is started by itself.
    standIns: undefined,
    featureGates: flags['feature-gates'],
    eventTtlSeconds: flags['event-ttl'] / 1000,
    limits: {
      requestTimeoutMs: flags['request-timeout'],
      minRequestTimeoutSeconds: flags['min-request-timeout'],
      maxInflight: flags['max-requests-inflight'] + flags['max-mutating-requests-inflight'],
    },
  };
}

/** Throws a {@link UserError} for a key of another certificate. */
function checkServingPair(flags: FlagValues): void {
  const certificate = new X509Certificate(flags['tls-cert-file']);
  if (certificate.checkPrivateKey(createPrivateKey(flags['tls-private-key-file']))) return;
  throw new UserError('--tls-private-key-file: the key does not belong to the certificate of --tls-cert-file');
}

/** Runs until a signal. A wrong option or a busy port is a {@link UserError}. */
async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(flagsHelp());
    return;
  }
  const flags = parseFlags(args);
  checkServingPair(flags);
  const format = flags['logging-format'];
  if (format !== 'text' && format !== 'json')
    throw new UserError(`--logging-format: ${JSON.stringify(format)} is neither text nor json`);
  const stopped = stopSignal(systemClock);
  const log = createLog(format, flags.v);
  await using stack = new AsyncDisposableStack();
  try {
    const storage = stack.use(await openEmbeddedStore({ dataDir: flags['data-dir'], clock: systemClock }));
    const server = stack.use(await createKubeApiServer(serverOptions(flags, storage, log)));
    await Promise.race([server.start(), stopped]);
  } catch (error) {
    // What goes wrong here follows from the flags and the files they name.
    throw new UserError((error as Error).message, { cause: error });
  }
  await stopped;
}

export function kubeApiserverCommand(): Command {
  return new Command('kube-apiserver')
    .description("the API server alone, with upstream's flags")
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]')
    .action((args: string[]) => run(args));
}
