/**
 * TLS for the API server: versions and ciphers as upstream's defaults
 * (`component-base/cli/flag/ciphersuites_flag.go`: Go's own list without the insecure ones), client
 * certificates asked for but judged by authentication, not by the handshake.
 */
import { constants } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { PeerCertificate } from './types.ts';

/** PEM texts. Replaceable while the server runs. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly key: string;
  /** CAs of client certificates (`--client-ca-file`); empty: client certificates are not accepted. */
  readonly clientCas: readonly string[];
  /** CAs of front proxies (`--requestheader-client-ca-file`). */
  readonly frontProxyCas: readonly string[];
}

const cipherNames = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
];

/** Throws when the certificate and key do not fit together. */
export function secureContextOptions(material: TlsMaterial): SecureContextOptions {
  const ca = [...material.clientCas, ...material.frontProxyCas];
  return {
    cert: material.certificate,
    key: material.key,
    // Without any, an empty list keeps the public roots from being trusted for clients.
    ca,
    minVersion: 'TLSv1.2',
    ciphers: cipherNames.join(':'),
    honorCipherOrder: true,
    // A resumed session would carry the verdict of CAs that may have been replaced since.
    secureOptions: constants.SSL_OP_NO_TICKET,
    sessionIdContext: 'kubets',
  };
}

interface CaSet {
  readonly clientCas: readonly X509Certificate[];
  readonly frontProxyCas: readonly X509Certificate[];
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** All certificates of PEM bundles. Throws on a broken one. */
function parseBundles(pems: readonly string[]): X509Certificate[] {
  return pems.flatMap((pem) => pem.match(pemBlock) ?? []).map((pem) => new X509Certificate(pem));
}

export type PeerVerdict =
  | { readonly type: 'none' }
  | { readonly type: 'valid'; readonly certificate: PeerCertificate }
  | { readonly type: 'invalid'; readonly reason: string };

const noCertificate: PeerVerdict = { type: 'none' };

function issuedBy(certificate: X509Certificate, cas: readonly X509Certificate[]): boolean {
  return cas.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
}

const maxChain = 8;

function issuerOf(leaf: X509Certificate, cas: CaSet): PeerCertificate['issuer'] | undefined {
  let certificate: X509Certificate | undefined = leaf;
  for (let depth = 0; certificate !== undefined && depth < maxChain; depth++) {
    if (issuedBy(certificate, cas.clientCas)) return 'client-ca';
    if (issuedBy(certificate, cas.frontProxyCas)) return 'front-proxy-ca';
    const next: X509Certificate | undefined = certificate.issuerCertificate;
    certificate = next === certificate ? undefined : next;
  }
  return undefined;
}

function listOf(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

function describe(leaf: X509Certificate, issuer: PeerCertificate['issuer']): PeerCertificate {
  const subject = leaf.toLegacyObject().subject as unknown as Record<string, unknown>;
  return {
    commonName: listOf(subject['CN'])[0] ?? '',
    organizations: listOf(subject['O']),
    issuer,
    notAfter: leaf.validToDate.getTime(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/**
 * Judges client certificates, once per connection and set of CAs. The first verdict leans on the
 * handshake's own verification (chain, usage, dates); after the CAs were replaced, connections that
 * are still open are judged again against the new ones.
 */
export class PeerVerifier {
  #cas: CaSet;
  #generation = 0;
  readonly #verdicts = new WeakMap<object, { generation: number; verdict: PeerVerdict }>();

  constructor(material: TlsMaterial) {
    this.#cas = PeerVerifier.#parse(material);
  }

  static #parse(material: TlsMaterial): CaSet {
    return { clientCas: parseBundles(material.clientCas), frontProxyCas: parseBundles(material.frontProxyCas) };
  }

  /** Throws (and keeps the old ones) when a CA cannot be parsed. */
  replace(material: TlsMaterial): void {
    this.#cas = PeerVerifier.#parse(material);
    this.#generation++;
  }

  /** Changes whenever the CAs do: callers may keep a verdict as long as it stays. */
  get generation(): number {
    return this.#generation;
  }

  verdict(socket: TLSSocket): PeerVerdict {
    const known = this.#verdicts.get(socket);
    if (known?.generation === this.#generation) return known.verdict;
    const verdict = this.#judge(socket, known === undefined);
    this.#verdicts.set(socket, { generation: this.#generation, verdict });
    return verdict;
  }

  #judge(socket: TLSSocket, first: boolean): PeerVerdict {
    const leaf = socket.getPeerX509Certificate();
    if (leaf === undefined) return noCertificate;
    if (first && !socket.authorized) return { type: 'invalid', reason: String(socket.authorizationError) };
    const issuer = issuerOf(leaf, this.#cas);
    if (issuer === undefined) return { type: 'invalid', reason: 'certificate signed by unknown authority' };
    return { type: 'valid', certificate: describe(leaf, issuer) };
  }
}
