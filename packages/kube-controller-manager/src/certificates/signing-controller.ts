/** Signs approved certificate requests to the signers of kubernetes.io (`pkg/controller/certificates/signer/signer.go`). */
import { parseCertificateRequest } from '@kubets/api/certificates/certificate-request';
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { formatTime } from '@kubets/apimachinery/time';
import type { ControllerContext, ControllerDescriptor } from '../controller.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { certificateController } from './certificate-controller.ts';
import { isToBeSigned } from './request-state.ts';
import { isKnownSigner, lifetimeMs, signerProblem } from './signers.ts';

type Csr = CertificateSigningRequest;

/** As it is after a refusal. */
function refused(csr: Readonly<Csr>, message: string, now: string): Csr {
  const condition = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: now,
  } as const;
  return { ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), condition] } };
}

async function decide(context: ControllerContext, authority: CertificateAuthority, csr: Readonly<Csr>): Promise<Csr> {
  const { clock, options } = context;
  const { request, usages = [], signerName, expirationSeconds } = csr.spec;
  const problem = signerProblem(signerName, parseCertificateRequest(request), usages);
  const now = clock.now();
  if (problem !== undefined) return refused(csr, problem, formatTime(now));
  const ttlMs = lifetimeMs(expirationSeconds, options.clusterSigningDurationMs);
  const certificate = await authority.sign({ request, usages, now, ttlMs });
  return { ...csr, status: { ...csr.status, certificate: Buffer.from(certificate).toString('base64') } };
}

export const certificateSigningController: ControllerDescriptor = {
  name: 'certificatesigningrequest-signing-controller',
  create(context) {
    const { clusterSigning } = context.options;
    if (clusterSigning === undefined) {
      const text = 'no authority is given (--cluster-signing-cert-file, --cluster-signing-key-file): nothing is signed';
      context.log.info({ controller: context.name }, text);
      return undefined;
    }
    const authority = new CertificateAuthority(clusterSigning.certificate, clusterSigning.key);
    return certificateController(context, async (csr) => {
      if (!isKnownSigner(csr.spec.signerName) || !isToBeSigned(csr)) return;
      const decided = await decide(context, authority, csr);
      try {
        await context.client.certificateSigningRequests().updateStatus(decided);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
  },
};
