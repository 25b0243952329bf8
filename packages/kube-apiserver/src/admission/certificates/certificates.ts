/** Rights of signers and approvers (`plugin/pkg/admission/certificates/{approval,signing,subjectrestriction,ctbattest}/admission.go`). */
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import type { Authorizer } from '../../authorization/authorizer.ts';
import { semanticEqual } from '../../registry/generic/semantic-equal.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import { csrSubject } from './csr-subject.ts';
import { isAuthorizedForSigner } from './signer-authorization.ts';

export interface SignerDeps {
  readonly authorizer: Authorizer;
}

const group = 'certificates.k8s.io';
const resource = 'certificatesigningrequests';

const csrOf = (object: unknown): CertificateSigningRequest => object as CertificateSigningRequest;

/** Approving or denying needs the verb `approve` on the signer. */
export function certificateApproval(deps: SignerDeps): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, group, resource, 'approval')) return undefined;
      const signerName = csrOf(attributes.oldObject).spec.signerName ?? '';
      return demand(deps, attributes, { verb: 'approve', what: 'approve requests with', signerName });
    },
  };
}

/** Writing the certificate, or failing the request, needs the verb `sign` on the signer. */
export function certificateSigning(deps: SignerDeps): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, group, resource, 'status')) return undefined;
      const old = csrOf(attributes.oldObject);
      const { status } = csrOf(attributes.object);
      const sameConditions = semanticEqual(status?.conditions, old.status?.conditions);
      if (status?.certificate === old.status?.certificate && sameConditions) return undefined;
      return demand(deps, attributes, {
        verb: 'sign',
        what: 'sign requests with',
        signerName: old.spec.signerName ?? '',
      });
    },
  };
}

const signerOf = (object: unknown): string =>
  (object as { spec?: { signerName?: string } } | undefined)?.spec?.signerName ?? '';

/** Publishing trust anchors for a signer needs the verb `attest` on it. */
export function clusterTrustBundleAttest(deps: SignerDeps): AdmissionPlugin {
  return {
    name: 'ClusterTrustBundleAttest',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, group, 'clustertrustbundles')) return undefined;
      const { object, oldObject } = attributes;
      if (oldObject !== undefined && semanticEqual(object?.['spec'], oldObject['spec'])) return undefined;
      const signerName = signerOf(object);
      return signerName === ''
        ? undefined
        : demand(deps, attributes, { verb: 'attest', what: 'attest for', signerName });
    },
  };
}

interface Demand {
  readonly verb: 'approve' | 'sign' | 'attest';
  readonly what: string;
  readonly signerName: string;
}

async function demand({ authorizer }: SignerDeps, attributes: AdmissionAttributes, wanted: Demand): Promise<void> {
  const { verb, what, signerName } = wanted;
  if (await isAuthorizedForSigner(authorizer, { user: attributes.user, verb }, signerName)) return;
  throw forbid(attributes, `user not permitted to ${what} signerName ${JSON.stringify(signerName)}`);
}

const apiserverClientSigner = 'kubernetes.io/kube-apiserver-client';

/** Nobody gets a client certificate of `system:masters` from the built-in signer. */
export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    handles: (operation) => operation === 'CREATE',
    validate(attributes: AdmissionAttributes): void {
      if (!isResource(attributes, group, resource)) return;
      const { spec } = csrOf(attributes.object);
      if (spec.signerName !== apiserverClientSigner) return;
      const subject = csrSubject(String(spec.request));
      if (subject === undefined) throw forbid(attributes, 'unable to parse csr');
      if (!subject.organizations.includes('system:masters')) return;
      throw forbid(attributes, `use of ${apiserverClientSigner} signer with system:masters group is not allowed`);
    },
  };
}
