/** Certificate requests (PKCS#10, RFC 2986), read without a certificate library (upstream: Go's `x509.ParseCertificateRequest`). */
import { derChildren, derOid, derTag, derText, expectTag, readDer, type DerElement } from './der.ts';
import { decodeBase64, readPem } from './pem.ts';

export interface CertificateRequestSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** All attributes in order: type as dotted numbers, value as text. */
  readonly attributes: readonly (readonly [type: string, value: string])[];
}

/** Subject alternative names. */
export interface AlternativeNames {
  readonly dnsNames: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** Four or sixteen bytes each. */
  readonly ipAddresses: readonly Uint8Array[];
}

export interface CertificateRequest {
  readonly subject: CertificateRequestSubject;
  readonly names: AlternativeNames;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** What has been signed, DER. */
  readonly signedBytes: Uint8Array;
  readonly signatureAlgorithm: { readonly oid: string; readonly parameters: Uint8Array };
  readonly signature: Uint8Array;
}

const commonNameOid = '2.5.4.3';
const organizationOid = '2.5.4.10';
const extensionRequestOid = '1.2.840.113549.1.9.14';
const alternativeNamesOid = '2.5.29.17';
/** `[0]`, constructed: the attributes of a request. */
const attributesTag = 0xa0;

function readSubject(name: DerElement | undefined): CertificateRequestSubject {
  const attributes: [string, string][] = [];
  for (const relative of derChildren(name, derTag.sequence)) {
    for (const pair of derChildren(relative, derTag.set)) {
      const [type, value] = derChildren(pair, derTag.sequence);
      if (value === undefined) throw new Error('asn1: syntax error: sequence truncated');
      attributes.push([derOid(type), derText(value)]);
    }
  }
  const valuesOf = (oid: string): string[] => attributes.filter(([type]) => type === oid).map(([, value]) => value);
  return { commonName: valuesOf(commonNameOid).at(-1) ?? '', organizations: valuesOf(organizationOid), attributes };
}

/** The value of the extension that has the alternative names, when it was asked for. */
function findAlternativeNames(attributes: DerElement | undefined): Uint8Array | undefined {
  if (attributes === undefined) return undefined;
  for (const attribute of derChildren(attributes, attributesTag)) {
    const [type, values] = derChildren(attribute, derTag.sequence);
    if (derOid(type) !== extensionRequestOid) continue;
    const [extensions] = derChildren(values, derTag.set);
    for (const extension of derChildren(extensions, derTag.sequence)) {
      const parts = derChildren(extension, derTag.sequence);
      if (derOid(parts[0]) === alternativeNamesOid) return expectTag(parts.at(-1), derTag.octetString).content;
    }
  }
  return undefined;
}

/** Context-specific tags of GeneralName (RFC 5280 section 4.2.1.6). */
const nameTag = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

function readAlternativeNames(extension: Uint8Array | undefined): AlternativeNames {
  const elements = extension === undefined ? [] : derChildren(readDer(extension)[0], derTag.sequence);
  const ofTag = (tag: number): DerElement[] => elements.filter((element) => element.tag === tag);
  const ipAddresses = ofTag(nameTag.ip).map((element) => element.content);
  const wrong = ipAddresses.find((address) => address.length !== 4 && address.length !== 16);
  if (wrong !== undefined) throw new Error(`x509: cannot parse IP address of length ${wrong.length}`);
  return {
    dnsNames: ofTag(nameTag.dns).map(derText),
    emailAddresses: ofTag(nameTag.email).map(derText),
    uris: ofTag(nameTag.uri).map(derText),
    ipAddresses,
  };
}

/** The first byte says how many bits of the last one do not count: none, in a signature. */
function readBits(element: DerElement | undefined): Uint8Array {
  const { content } = expectTag(element, derTag.bitString);
  if (content[0] !== 0) throw new Error('asn1: syntax error: invalid padding bits in BIT STRING');
  return content.subarray(1);
}

function readRequest(der: Uint8Array): CertificateRequest {
  const [outer, trailing] = readDer(der);
  if (trailing !== undefined) throw new Error('asn1: syntax error: trailing data');
  const [info, algorithm, signature] = derChildren(outer, derTag.sequence);
  const [version, name, key, attributes] = derChildren(info, derTag.sequence);
  expectTag(version, derTag.integer);
  const [oid, parameters] = derChildren(algorithm, derTag.sequence);
  return {
    subject: readSubject(name),
    names: readAlternativeNames(findAlternativeNames(attributes)),
    publicKey: expectTag(key, derTag.sequence).bytes,
    signedBytes: expectTag(info, derTag.sequence).bytes,
    signatureAlgorithm: { oid: derOid(oid), parameters: parameters?.bytes ?? new Uint8Array() },
    signature: readBits(signature),
  };
}

const latin1 = new TextDecoder('latin1');

/**
 * The request in the field of a CertificateSigningRequest: base64 of PEM. The signature is not checked.
 * Throws an Error whose message is meant for the user.
 */
export function parseCertificateRequest(request: string): CertificateRequest {
  const [block] = readPem(latin1.decode(decodeBase64(request) ?? new Uint8Array()));
  if (block?.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  return readRequest(block.bytes);
}
