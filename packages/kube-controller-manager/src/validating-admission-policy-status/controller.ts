/**
 * Says of each ValidatingAdmissionPolicy which generation has been looked at (`pkg/controller/validatingadmissionpolicystatus`).
 *
 * Upstream also checks the types of its expressions against the schemas of what they are about, and lists what is suspicious
 * as warnings. Nothing here evaluates expressions: there is no such list, and no claim that types were checked.
 */
import type { ValidatingAdmissionPolicy } from '@kubets/api/types/admissionregistration-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { validatingAdmissionPolicies } from '@kubets/client/resources';
import type { ControllerDescriptor } from '../controller.ts';
import { reconciler, workersOf } from '../lib/reconciler.ts';

const defaultWorkers = 5;
const fieldManager = 'validatingadmissionpolicy-status-controller';

/** Whether its newest generation has not been looked at. */
const isUnobserved = ({ metadata, status }: Readonly<ValidatingAdmissionPolicy>): boolean =>
  (metadata.generation ?? 0) > (status?.observedGeneration ?? 0);

export const validatingAdmissionPolicyStatusController: ControllerDescriptor = {
  name: 'validatingadmissionpolicy-status-controller',
  create(context) {
    if (!context.serves(validatingAdmissionPolicies)) return undefined;
    const queue = context.queue('validatingadmissionpolicy-status');
    const informer = context.informers.informer(validatingAdmissionPolicies);
    const enqueue = (policy: Readonly<ValidatingAdmissionPolicy>): void => queue.add(policy.metadata.name ?? '');
    informer.addEventHandler({ onAdd: enqueue, onUpdate: (_old, policy) => enqueue(policy) });
    return reconciler(context, {
      queue,
      informers: [informer],
      workers: workersOf(context, defaultWorkers),
      async reconcile(name) {
        const policy = informer.store.get(name);
        if (policy === undefined || !isUnobserved(policy)) return;
        const body = {
          kind: 'ValidatingAdmissionPolicy',
          apiVersion: 'admissionregistration.k8s.io/v1',
          metadata: { name },
          status: { observedGeneration: policy.metadata.generation ?? 0 },
        };
        const patch = { type: 'application/apply-patch+yaml', body, subresource: 'status' } as const;
        try {
          await context.client.validatingAdmissionPolicies().patch(name, patch, { fieldManager, force: true });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    });
  },
};
