/** Client certificates (`apiserver/pkg/authentication/request/x509/x509.go`, CommonNameUserConversion). */
import type { Clock } from '@kubets/apimachinery/clock';
import type { ApiRequest, PeerCertificate, UserInfo } from '../../server/types.ts';
import type { RequestAuthenticator } from '../authenticator.ts';
import { BadTokenError, unauthorized } from '../errors.ts';
import { asAuthenticated, credentialIdExtra } from '../user.ts';

/**
 * The user is the subject's common name, its groups the organizations. The chain has been verified by the
 * TLS layer; the expiry is looked at again with each request, since connections outlive certificates.
 */
export class X509Authenticator implements RequestAuthenticator {
  readonly #clock: Clock;
  /** One user object per certificate: connections carry many requests. */
  readonly #users = new WeakMap<PeerCertificate, UserInfo>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const { peer } = request;
    if (peer.transport !== 'tls' || peer.certificate === undefined) return undefined;
    const { certificate } = peer;
    if (certificate.issuer !== 'client-ca' || certificate.commonName === '') return undefined;
    if (this.#clock.now() > certificate.notAfter)
      throw unauthorized(new BadTokenError('x509: certificate has expired'));
    let user = this.#users.get(certificate);
    if (user === undefined) {
      user = asAuthenticated(userOf(certificate));
      this.#users.set(certificate, user);
    }
    return user;
  }
}

/** The certificate's fingerprint tells, in audit logs and reviews, which credential was used. */
function userOf({ commonName, organizations, fingerprint }: PeerCertificate): UserInfo {
  const user = { name: commonName, groups: organizations };
  return fingerprint === undefined ? user : { ...user, extra: { [credentialIdExtra]: [`X509SHA256=${fingerprint}`] } };
}
