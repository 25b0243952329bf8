/** What the controllers of certificate requests have in common (`pkg/controller/certificates/certificate_controller.go`). */
import type { CertificateSigningRequest } from '@kubets/api/types/certificates-v1';
import { ItemBackoff, MaxOf, TokenBucket } from '@kubets/client';
import { certificateSigningRequests } from '@kubets/client/resources';
import type { Controller, ControllerContext } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';
import { isIssued } from './request-state.ts';

const defaultWorkers = 5;

/** Others may change what stands in the way: tried again, and no news (`ignorableError`). */
export class IgnorableError extends Error {
  override readonly name = 'IgnorableError';
}

/** Hands every request without a certificate to `handle` until that succeeds. */
export function certificateController(
  context: ControllerContext,
  handle: (csr: Readonly<CertificateSigningRequest>) => Promise<void>,
): Controller {
  const { clock } = context;
  const limiter = new MaxOf([
    new ItemBackoff<string>(200, 1_000_000),
    new TokenBucket<string>({ perSecond: 10, burst: 100, clock }),
  ]);
  const queue = context.queue(context.name, limiter);
  const informer = context.informers.informer(certificateSigningRequests);
  const enqueue = (csr: Readonly<CertificateSigningRequest>): void => {
    if (!isIssued(csr)) queue.add(csr.metadata.name ?? '');
  };
  informer.addEventHandler({ onAdd: enqueue, onUpdate: (_old, csr) => enqueue(csr) });
  return reconciler(context, {
    queue,
    informers: [informer],
    workers: workersOf(context, defaultWorkers),
    isExpected: (error) => error instanceof IgnorableError,
    async reconcile(name) {
      const csr = informer.store.get(name);
      if (csr !== undefined && !isIssued(csr)) await handle(csr);
    },
  });
}
