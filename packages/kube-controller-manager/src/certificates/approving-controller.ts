/** Approves kubelets' client certificates for whoever may have them (`pkg/controller/certificates/approver/sarapprove.go`). */
import { parseCertificateRequest } from '@kubets/api/certificates/certificate-request';
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ControllerContext, ControllerDescriptor } from '../controller.ts';
import { certificateController, IgnorableError } from './certificate-controller.ts';
import { kubeletClientProblem } from './kubelet-requests.ts';
import { isDecided } from './request-state.ts';
import { kubeletClientSigner } from './signers.ts';

type Csr = CertificateSigningRequest;

interface Way {
  /** The permission that it takes: to create this subresource of certificate requests. */
  readonly subresource: 'selfnodeclient' | 'nodeclient';
  readonly message: string;
}

const own: Way = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const any: Way = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};

/** The ways in which the request may be approved; none: it is nobody's business here. */
function waysToApprove({ spec }: Readonly<Csr>): readonly Way[] {
  if (spec.signerName !== kubeletClientSigner) return [];
  const request = parseCertificateRequest(spec.request);
  if (kubeletClientProblem(request, spec.usages ?? []) !== undefined) return [];
  // A node that renews its certificate, and whoever asks for one in a node's name.
  return spec.username === request.subject.commonName ? [own, any] : [any];
}

async function isAllowed(context: ControllerContext, { spec }: Readonly<Csr>, way: Way): Promise<boolean> {
  const { username, uid, groups, extra } = spec;
  const review = await context.client.subjectAccessReviews().create({
    metadata: {},
    spec: {
      resourceAttributes: {
        verb: 'create',
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        subresource: way.subresource,
      },
      ...(username === undefined ? {} : { user: username }),
      ...(groups === undefined ? {} : { groups: [...groups] }),
      ...(extra === undefined ? {} : { extra: structuredClone(extra) }),
      ...(uid === undefined ? {} : { uid }),
    },
  });
  return review.status?.allowed === true;
}

async function approve(context: ControllerContext, csr: Readonly<Csr>, message: string): Promise<void> {
  const condition = { type: 'Approved', status: 'True', reason: 'AutoApproved', message } as const;
  const conditions = [...(csr.status?.conditions ?? []), condition];
  try {
    await context.client
      .certificateSigningRequests()
      .updateSubresource({ ...csr, status: { ...csr.status, conditions } }, 'approval');
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Looks at one request. A refusal may be lifted by a new role binding: it is tried again, and is no news. */
async function handle(context: ControllerContext, csr: Readonly<Csr>): Promise<void> {
  if (isDecided(csr)) return;
  const ways = waysToApprove(csr);
  for (const way of ways) if (await isAllowed(context, csr, way)) return await approve(context, csr, way.message);
  if (ways.length === 0) return;
  const tried = ways.map(({ subresource }) => subresource).join(' ');
  throw new IgnorableError(
    `recognized csr ${JSON.stringify(csr.metadata.name)} as [${tried}] but subject access review was not approved`,
  );
}

export const certificateApprovingController: ControllerDescriptor = {
  name: 'certificatesigningrequest-approving-controller',
  create: (context) => certificateController(context, (csr) => handle(context, csr)),
};
