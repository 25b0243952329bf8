/** Rolling back by the annotation of old (upstream `pkg/controller/deployment/rollback.go`); kubectl does it by itself today. */
import type { Deployment, ReplicaSet } from '@kubets/api/types/apps-v1';
import { lastRevision, revisionOf, rollbackToAnnotation, rolledBackAnnotations } from './annotations.ts';
import { equalIgnoringHash, withoutHash } from './template-hash.ts';

/** What becomes of the wish. */
export interface Rollback {
  /** The Deployment without the wish, with the old template where there is one. */
  readonly deployment: Deployment;
  readonly event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };
}

/** The revision that somebody wants back, 0 for the last but one; undefined: nobody does (`getRollbackTo`). */
export function rollbackRevision(deployment: Readonly<Deployment>): bigint | undefined {
  const text = deployment.metadata.annotations?.[rollbackToAnnotation];
  return text !== undefined && /^-?[0-9]{1,18}$/.test(text) ? BigInt(text) : undefined;
}

const notFound = 'DeploymentRollbackRevisionNotFound';

/** Carries the wish out, or says why it cannot. Either way it is done with. */
export function planRollback(
  deployment: Readonly<Deployment>,
  sets: readonly Readonly<ReplicaSet>[],
  wanted: bigint,
): Rollback {
  const revision = wanted === 0n ? lastRevision(sets) : wanted;
  const refuse = (reason: string, message: string): Rollback => ({
    deployment: withoutWish(deployment),
    event: { type: 'Warning', reason, message },
  });
  if (revision === 0n) return refuse(notFound, 'Unable to find last revision.');
  const set = sets.find((candidate) => revisionOf(candidate) === revision);
  const template = set?.spec?.template;
  if (set === undefined || template === undefined)
    return refuse(notFound, 'Unable to find the revision to rollback to.');
  const { name } = deployment.metadata;
  if (equalIgnoringHash(deployment.spec?.template ?? {}, template)) {
    const message = `The rollback revision contains the same template as current deployment ${JSON.stringify(name)}`;
    return refuse('DeploymentRollbackTemplateUnchanged', message);
  }
  const message = `Rolled back deployment ${JSON.stringify(name)} to revision ${revision}`;
  return {
    deployment: withTemplate(withoutWish(deployment), set),
    event: { type: 'Normal', reason: 'DeploymentRollback', message },
  };
}

function withoutWish(deployment: Readonly<Deployment>): Deployment {
  const { [rollbackToAnnotation]: _, ...annotations } = deployment.metadata.annotations ?? {};
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

function withTemplate(deployment: Deployment, set: Readonly<ReplicaSet>): Deployment {
  const { annotations } = deployment.metadata;
  return {
    ...deployment,
    metadata: {
      ...deployment.metadata,
      annotations: rolledBackAnnotations(annotations ?? {}, set.metadata.annotations ?? {}),
    },
    spec: { ...deployment.spec, template: structuredClone(withoutHash(set.spec?.template ?? {})) } as NonNullable<
      Deployment['spec']
    >,
  };
}
