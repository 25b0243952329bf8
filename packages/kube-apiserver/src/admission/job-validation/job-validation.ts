/**
 * The parallelism of a Job whose pods are scheduled as a gang stays as it is (`plugin/pkg/admission/job/admission.go`). On with
 * the feature gate WorkloadWithJob, an alpha; without the PodGroup API there are no gangs, and nothing is refused.
 */
import type { Job } from '@kubets/api/types/batch-v1';
import type { PodGroup } from '@kubets/api/types/scheduling-v1alpha2';
import type { CacheDirectory, ResourceCache } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionPlugin } from '../plugin.ts';

/** Undefined where the API server does not serve PodGroups: the directory has no other way to say so. */
function podGroupsOf(caches: CacheDirectory): ResourceCache | undefined {
  try {
    return caches.of({ group: 'scheduling.k8s.io', resource: 'podgroups' });
  } catch {
    return undefined;
  }
}

/** The name of the gang that the Job's pods belong to: the one that its template names, or else one that the Job owns. */
function gangOf(job: Readonly<Job>, groups: ResourceCache): string | undefined {
  const { namespace = '', uid } = job.metadata;
  const isGang = (group: Readonly<PodGroup>): boolean => group.spec?.schedulingPolicy?.gang !== undefined;
  const named = job.spec?.template.spec?.schedulingGroup?.podGroupName;
  if (named !== undefined) {
    const group = groups.get(namespace, named)?.object as PodGroup | undefined;
    return group !== undefined && isGang(group) ? named : undefined;
  }
  for (const { name, object } of groups.list(namespace)) {
    const owned = object.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid);
    if (owned === true && isGang(object as unknown as PodGroup)) return name;
  }
  return undefined;
}

export function jobValidation(deps: { caches: CacheDirectory }): AdmissionPlugin {
  const groups = podGroupsOf(deps.caches);
  return {
    name: 'JobValidation',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (groups === undefined || !isResource(attributes, 'batch', 'jobs')) return;
      const [job, old] = [attributes.object as unknown as Job, attributes.oldObject as unknown as Job];
      if (job.spec?.parallelism === old.spec?.parallelism) return;
      const gang = gangOf(old, groups);
      if (gang === undefined) return;
      const name = JSON.stringify(gang);
      throw forbid(attributes, `cannot change parallelism for a Job referencing gang-scheduled PodGroup ${name}`);
    },
  };
}
