/** Who may act for a signer (`pkg/registry/certificates/... authorization`, `pkg/util/certificates` IsAuthorizedForSignerName). */
import type { Authorizer } from '../../authorization/authorizer.ts';
import type { UserInfo } from '../../server/types.ts';

/** Asks for the signer itself, then for all signers of its domain (`example.com/*`). */
export async function isAuthorizedForSigner(
  authorizer: Authorizer,
  who: { user: UserInfo; verb: 'approve' | 'sign' | 'attest' },
  signerName: string,
): Promise<boolean> {
  const ask = async (name: string): Promise<boolean> => {
    const { decision } = await authorizer.authorize({
      ...who,
      name,
      isResourceRequest: true,
      path: '',
      namespace: '',
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'signers',
      subresource: '',
    });
    return decision === 'allow';
  };
  return (await ask(signerName)) || (await ask(`${signerName.split('/')[0] ?? ''}/*`));
}
