/**
 * All keys and certificates of a control plane on one machine, under the names kubeadm gives them
 * (`cmd/kubeadm/app/constants/constants.go`): made when missing, renewed before they run out, never
 * overwritten while they are good.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@kubets/apimachinery/clock';
import { clientCertificateOf, kubeconfigText, serverOf } from '../kubeconfig.ts';
import {
  createAuthority,
  createLeaf,
  createSigningKey,
  publicKeyOf,
  type KeyPair,
  type LeafRequest,
} from './certificates.ts';
import { readFileIfPresent, writePrivateFile } from './files.ts';

export interface PkiOptions {
  /** `<directory>/pki/*` and `<directory>/*.conf`; made with mode 0700. */
  readonly directory: string;
  readonly clock: Clock;
  /** Names and addresses the serving certificate is to hold. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Where the kubeconfigs point: `https://host:port`. */
  readonly server: string;
}

export interface ClusterPki {
  readonly authority: string;
  readonly authorityKey: string;
  readonly frontProxyAuthority: string;
  readonly serving: KeyPair;
  readonly frontProxyClient: KeyPair;
  readonly serviceAccountKey: { readonly privateKey: string; readonly publicKey: string };
  /** Paths of the kubeconfig files. */
  readonly kubeconfigs: Readonly<Record<KubeconfigName, string>>;
  /** What has been made or renewed in this call; empty when all was there and good. */
  readonly changed: readonly string[];
  /** Sentences about what will need the user: authorities that run out. */
  readonly warnings: readonly string[];
}

export type KubeconfigName = 'admin' | 'controller-manager' | 'scheduler';

const leafDays = 365;
const authorityYears = 10;
/** Half a year is time enough to give all clients a new authority. */
const warnBelowDays = 180;
const dayMs = 86_400_000;
/** A certificate is renewed when less than this part of its life is left (kubeadm renews at upgrades only). */
const renewBelow = 0.3;

const identities: Record<KubeconfigName, { user: string; commonName: string; organizations: readonly string[] }> = {
  admin: { user: 'kubernetes-admin', commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  'controller-manager': {
    user: 'system:kube-controller-manager',
    commonName: 'system:kube-controller-manager',
    organizations: [],
  },
  scheduler: { user: 'system:kube-scheduler', commonName: 'system:kube-scheduler', organizations: [] },
};

/** Whether a certificate is in its time, signed by the authority, and holds the alternatives asked for. */
export function isGood(
  pem: string,
  authority: string,
  want: Pick<PkiOptions, 'clock' | 'dnsNames' | 'ipAddresses'>,
): boolean {
  const certificate = new X509Certificate(pem);
  const start = Date.parse(certificate.validFrom);
  const end = Date.parse(certificate.validTo);
  const left = (end - want.clock.now()) / (end - start);
  return (
    left > renewBelow &&
    start <= want.clock.now() &&
    certificate.verify(new X509Certificate(authority).publicKey) &&
    want.dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
    want.ipAddresses.every((ip) => certificate.checkIP(ip) !== undefined)
  );
}

class Maker {
  readonly #options: PkiOptions;
  readonly changed: string[] = [];
  readonly warnings: string[] = [];

  constructor(options: PkiOptions) {
    this.#options = options;
  }

  #path(name: string): string {
    return join(this.#options.directory, 'pki', name);
  }

  async authority(name: string, commonName: string): Promise<KeyPair> {
    const certificate = await readFileIfPresent(this.#path(`${name}.crt`));
    const key = await readFileIfPresent(this.#path(`${name}.key`));
    if (certificate !== undefined && key !== undefined) {
      this.#checkAuthority(name, certificate);
      return { certificate, key };
    }
    if (certificate !== undefined) {
      // Making a new one would cut off every client that trusts the old: that is the user's decision.
      throw new Error(
        `${this.#path(name)}.key is missing while ${name}.crt is there: restore it or remove ${name}.crt`,
      );
    }
    const { clock } = this.#options;
    // A key alone is what a first start leaves that was cut short. A certificate of the same key and
    // name is as good as a lost one: what that signed goes on to verify.
    const made = await createAuthority({ commonName, years: authorityYears, clock, ...(key !== undefined && { key }) });
    await this.#write(name, made);
    return made;
  }

  #checkAuthority(name: string, certificate: string): void {
    const end = Date.parse(new X509Certificate(certificate).validTo);
    const left = end - this.#options.clock.now();
    const path = `${this.#path(name)}.crt`;
    const on = new Date(end).toISOString().slice(0, 10);
    if (left <= 0) {
      throw new Error(`the certificate authority ${path} has expired on ${on}: replace it, or remove it with its key`);
    }
    if (left < warnBelowDays * dayMs) this.warnings.push(`the certificate authority ${path} expires on ${on}`);
  }

  async leaf(name: string, authority: KeyPair, request: Omit<LeafRequest, 'clock' | 'days'>): Promise<KeyPair> {
    const certificate = await readFileIfPresent(this.#path(`${name}.crt`));
    const key = await readFileIfPresent(this.#path(`${name}.key`));
    const want = {
      clock: this.#options.clock,
      dnsNames: request.dnsNames ?? [],
      ipAddresses: request.ipAddresses ?? [],
    };
    if (certificate !== undefined && key !== undefined && isGood(certificate, authority.certificate, want)) {
      return { certificate, key };
    }
    const made = await createLeaf(authority, { ...request, days: leafDays, clock: this.#options.clock });
    await this.#write(name, made);
    return made;
  }

  async signingKey(): Promise<{ privateKey: string; publicKey: string }> {
    const privateKey = await readFileIfPresent(this.#path('sa.key'));
    const publicKey = await readFileIfPresent(this.#path('sa.pub'));
    if (privateKey !== undefined && publicKey !== undefined) return { privateKey, publicKey };
    // A new private key would void every token: the missing public half is made from the one there is.
    const made =
      privateKey === undefined ? await createSigningKey() : { privateKey, publicKey: publicKeyOf(privateKey) };
    await writePrivateFile(this.#path('sa.pub'), made.publicKey);
    if (privateKey === undefined) await writePrivateFile(this.#path('sa.key'), made.privateKey);
    this.changed.push('sa');
    return made;
  }

  async kubeconfig(name: KubeconfigName, authority: KeyPair): Promise<string> {
    const path = join(this.#options.directory, `${name}.conf`);
    const text = await readFileIfPresent(path);
    const certificate = text === undefined ? undefined : clientCertificateOf(text);
    const want = { clock: this.#options.clock, dnsNames: [], ipAddresses: [] };
    const good = certificate !== undefined && isGood(certificate, authority.certificate, want);
    if (good && text !== undefined && serverOf(text) === this.#options.server) return path;
    const { user, commonName, organizations } = identities[name];
    const client = await createLeaf(authority, {
      commonName,
      organizations,
      usages: ['client'],
      days: leafDays,
      clock: this.#options.clock,
    });
    const { server } = this.#options;
    await writePrivateFile(
      path,
      kubeconfigText({ cluster: 'kubets', user, server, authority: authority.certificate, client }),
    );
    this.changed.push(`${name}.conf`);
    return path;
  }

  async #write(name: string, pair: KeyPair): Promise<void> {
    // The key first: a certificate without its key would be taken for a lost key at the next start.
    await writePrivateFile(this.#path(`${name}.key`), pair.key);
    await writePrivateFile(this.#path(`${name}.crt`), pair.certificate);
    this.changed.push(name);
  }
}

/**
 * Makes or renews what is needed, and returns all of it. Idempotent. Throws when a file cannot be
 * read or written, and when an authority has expired or lost its key.
 */
export async function ensureClusterPki(options: PkiOptions): Promise<ClusterPki> {
  await mkdir(join(options.directory, 'pki'), { recursive: true, mode: 0o700 });
  const maker = new Maker(options);
  const [authority, frontProxy] = await Promise.all([
    maker.authority('ca', 'kubernetes'),
    maker.authority('front-proxy-ca', 'front-proxy-ca'),
  ]);
  const [serving, frontProxyClient, serviceAccountKey, admin, controllerManager, scheduler] = await Promise.all([
    maker.leaf('apiserver', authority, {
      commonName: 'kube-apiserver',
      usages: ['server'],
      dnsNames: options.dnsNames,
      ipAddresses: options.ipAddresses,
    }),
    maker.leaf('front-proxy-client', frontProxy, { commonName: 'front-proxy-client', usages: ['client'] }),
    maker.signingKey(),
    maker.kubeconfig('admin', authority),
    maker.kubeconfig('controller-manager', authority),
    maker.kubeconfig('scheduler', authority),
  ]);
  return {
    authority: authority.certificate,
    authorityKey: authority.key,
    frontProxyAuthority: frontProxy.certificate,
    serving,
    frontProxyClient,
    serviceAccountKey,
    kubeconfigs: { admin, 'controller-manager': controllerManager, scheduler },
    changed: maker.changed,
    warnings: maker.warnings,
  };
}
