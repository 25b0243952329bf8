/** Removes certificate requests that have served their purpose (`pkg/controller/certificates/cleaner/cleaner.go`). */
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { isConflict, isNotFound } from '@kubets/apimachinery/status';
import { waitForCacheSync } from '@kubets/client';
import { certificateSigningRequests } from '@kubets/client/resources';
import type { Controller, ControllerContext, ControllerDescriptor } from '../controller.ts';
import { runEvery } from '../lib/run-every.ts';
import { isIssued, isPastUse } from './request-state.ts';

const intervalMs = 3_600_000;

class CertificateCleaner implements Controller {
  readonly #context: ControllerContext;
  readonly #informer;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#informer = context.informers.informer(certificateSigningRequests);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, name: controller } = this.#context;
    try {
      await waitForCacheSync(signal, this.#informer);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await runEvery(clock, intervalMs, {
      signal,
      pass: async () => {
        for (const csr of this.#informer.store.list()) await this.#clean(csr);
      },
      onError: (error) =>
        log.error({ controller, error: String(error) }, 'certificate requests could not be cleaned up'),
    });
  }

  async #clean(csr: Readonly<CertificateSigningRequest>): Promise<void> {
    const { clock, client, log, name: controller } = this.#context;
    const { name = '', uid = '' } = csr.metadata;
    try {
      if (!isPastUse(csr, clock.now(), expiryOf(csr))) return;
      await client.certificateSigningRequests().delete(name, { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return;
      log.error({ controller, csr: name, error: String(error) }, 'a certificate request could not be cleaned up');
    }
  }
}

/** When the certificate ends; `undefined` without one. Throws for what is none. */
function expiryOf(csr: Readonly<CertificateSigningRequest>): number | undefined {
  if (!isIssued(csr)) return undefined;
  return new X509Certificate(Buffer.from(csr.status?.certificate ?? '', 'base64')).validToDate.getTime();
}

export const certificateCleanerController: ControllerDescriptor = {
  name: 'certificatesigningrequest-cleaner-controller',
  create: (context) => new CertificateCleaner(context),
};
