/** Whether a pod's update changes anything that the standards look at (`isSignificantPodUpdate`). */
import type { Container, Pod } from '@kubets/api/types/core-v1';

const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';

/** Images, seccomp annotations and added containers count: the rest of a pod that matters cannot change. */
export function isSignificantUpdate(pod: Pod, old: Readonly<Pod>): boolean {
  const annotations = pod.metadata.annotations ?? {};
  const before = old.metadata.annotations ?? {};
  if (annotations[seccompPod] !== before[seccompPod]) return true;
  const changed = (container: Container, previous: Container | undefined): boolean => {
    const key = `${seccompContainer}${container.name}`;
    return previous === undefined || container.image !== previous.image || annotations[key] !== before[key];
  };
  const listChanged = (list: readonly Container[] = [], previous: readonly Container[] = []): boolean =>
    list.length !== previous.length || list.some((container, i) => changed(container, previous[i]));
  if (listChanged(pod.spec?.containers, old.spec?.containers)) return true;
  if (listChanged(pod.spec?.initContainers, old.spec?.initContainers)) return true;
  const ephemeral = (old.spec?.ephemeralContainers ?? []) as readonly Container[];
  return ((pod.spec?.ephemeralContainers ?? []) as readonly Container[]).some((container) =>
    changed(
      container,
      ephemeral.find((other) => other.name === container.name),
    ),
  );
}
