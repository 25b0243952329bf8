/** Which secrets pods may refer to (`plugin/pkg/admission/serviceaccount/admission.go` limitSecretReferences and its kin). */
import type { Container, EphemeralContainer, Pod, PodSpec, ServiceAccount } from '@kubets/api/types/core-v1';
import { podReferences, type PodObject } from '../../authorization/node/references.ts';
import { forbid } from '../common/attributes.ts';
import type { AdmissionAttributes } from '../plugin.ts';

/** On a service account: its pods may refer only to the secrets it lists. */
export const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets';

/** Pods that a node made by itself open no other object. Throws the 403. */
export function checkMirrorPod(attributes: AdmissionAttributes, pod: Pod): void {
  if ((pod.spec?.serviceAccountName ?? '') !== '')
    throw forbid(attributes, 'a mirror pod may not reference service accounts');
  if (podReferences(pod as unknown as PodObject).secrets.length > 0) {
    throw forbid(attributes, 'a mirror pod may not reference secrets');
  }
  const tokens = (pod.spec?.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  if (tokens.some((source) => source.serviceAccountToken !== undefined)) {
    throw forbid(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

/** Volumes, environments and pull secrets against the lists of the account. Throws the 403. */
export function checkMountableSecrets(attributes: AdmissionAttributes, spec: PodSpec, account: ServiceAccount): void {
  const mountable = new Set((account.secrets ?? []).map((secret) => secret.name));
  const name = account.metadata.name ?? '';
  for (const { secret } of spec.volumes ?? []) {
    if (secret === undefined || mountable.has(secret.secretName)) continue;
    throw forbid(
      attributes,
      `volume with secret.secretName=${JSON.stringify(secret.secretName ?? '')} is not allowed because service account ${name} does not reference that secret`,
    );
  }
  checkEnvironments(attributes, {
    containers: spec.initContainers ?? [],
    kind: 'init container',
    mountable,
    account: name,
  });
  checkEnvironments(attributes, { containers: spec.containers ?? [], kind: 'container', mountable, account: name });
  const pullSecrets = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name));
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if (pullSecrets.has(secret.name)) continue;
    throw forbid(
      attributes,
      `imagePullSecrets[${i}].name=${JSON.stringify(secret.name ?? '')} is not allowed because service account ${name} does not reference that imagePullSecret`,
    );
  }
}

/** The environments of ephemeral containers only. Throws the 403. */
export function checkMountableSecretsOfEphemeral(
  attributes: AdmissionAttributes,
  spec: PodSpec,
  account: ServiceAccount,
): void {
  const mountable = new Set((account.secrets ?? []).map((secret) => secret.name));
  const containers = spec.ephemeralContainers ?? [];
  checkEnvironments(attributes, {
    containers,
    kind: 'ephemeral container',
    mountable,
    account: account.metadata.name ?? '',
  });
}

interface Environments {
  readonly containers: readonly (Container | EphemeralContainer)[];
  readonly kind: string;
  readonly mountable: ReadonlySet<string | undefined>;
  readonly account: string;
}

function checkEnvironments(attributes: AdmissionAttributes, given: Environments): void {
  for (const container of given.containers) {
    const names = [
      ...(container.env ?? []).map((env) => ({ variable: env.name, secret: env.valueFrom?.secretKeyRef?.name })),
      ...(container.envFrom ?? []).map((source) => ({ variable: undefined, secret: source.secretRef?.name })),
    ];
    for (const { variable, secret } of names) {
      if (secret === undefined || given.mountable.has(secret)) continue;
      const what =
        variable === undefined
          ? `${given.kind} ${container.name} with envFrom referencing`
          : `${given.kind} ${container.name} with envVar ${variable} referencing`;
      throw forbid(
        attributes,
        `${what} secret.secretName=${JSON.stringify(secret)} is not allowed because service account ${given.account} does not reference that secret`,
      );
    }
  }
}
