/**
 * Admission policies and their bindings
 * (`pkg/registry/admissionregistration/{validating,mutating}admissionpolicy{,binding}/strategy.go`).
 *
 * Upstream also asks whether the writer may read the parameters that a policy or a binding names; strategies
 * have no authorizer here, so that is not asked.
 */
import {
  validateMutatingAdmissionPolicy,
  validateMutatingAdmissionPolicyBinding,
} from '@kubets/api/admissionregistration/validation/mutating-policy';
import {
  validateValidatingAdmissionPolicy,
  validateValidatingAdmissionPolicyBinding,
  validateValidatingAdmissionPolicyStatus,
} from '@kubets/api/admissionregistration/validation/validating-policy';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '@kubets/api/types/admissionregistration-v1';
import { baseStrategy, statusUpdateStrategy } from '../generic/base-strategy.ts';
import type { Strategy } from '../strategy.ts';

const shared = { generation: true, allowUnconditionalUpdate: false } as const;

export const validatingPolicyStrategy: Strategy<ValidatingAdmissionPolicy> = baseStrategy<ValidatingAdmissionPolicy>({
  ...shared,
  status: {},
  validate: (_context, object) => validateValidatingAdmissionPolicy(object),
  validateUpdate: (_context, object, old) => validateValidatingAdmissionPolicy(object, old),
  subresources: {
    status: statusUpdateStrategy<ValidatingAdmissionPolicy>({
      keepMetadata: true,
      validateUpdate: (_context, object) => validateValidatingAdmissionPolicyStatus(object),
    }),
  },
});

export const validatingPolicyBindingStrategy: Strategy<ValidatingAdmissionPolicyBinding> =
  baseStrategy<ValidatingAdmissionPolicyBinding>({
    ...shared,
    validate: (_context, object) => validateValidatingAdmissionPolicyBinding(object),
    validateUpdate: (_context, object) => validateValidatingAdmissionPolicyBinding(object),
  });

export const mutatingPolicyStrategy: Strategy<MutatingAdmissionPolicy> = baseStrategy<MutatingAdmissionPolicy>({
  ...shared,
  validate: (_context, object) => validateMutatingAdmissionPolicy(object),
  validateUpdate: (_context, object, old) => validateMutatingAdmissionPolicy(object, old),
});

export const mutatingPolicyBindingStrategy: Strategy<MutatingAdmissionPolicyBinding> =
  baseStrategy<MutatingAdmissionPolicyBinding>({
    ...shared,
    validate: (_context, object) => validateMutatingAdmissionPolicyBinding(object),
    validateUpdate: (_context, object) => validateMutatingAdmissionPolicyBinding(object),
  });
