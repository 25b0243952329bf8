/** Pods leave unready and unreachable nodes after a while (`plugin/pkg/admission/defaulttolerationseconds/admission.go`). */
import type { Pod, Toleration } from '@kubets/api/types/core-v1';
import { isResource } from '../common/attributes.ts';
import type { AdmissionPlugin } from '../plugin.ts';

export interface DefaultTolerationSecondsOptions {
  /** `--default-not-ready-toleration-seconds`; default 300. */
  readonly notReadySeconds?: number;
  /** `--default-unreachable-toleration-seconds`; default 300. */
  readonly unreachableSeconds?: number;
}

const notReady = 'node.kubernetes.io/not-ready';
const unreachable = 'node.kubernetes.io/unreachable';

function tolerates(tolerations: readonly Toleration[], key: string): boolean {
  return tolerations.some(
    (t) => ((t.key ?? '') === '' || t.key === key) && ((t.effect ?? '') === '' || t.effect === 'NoExecute'),
  );
}

const toleration = (key: string, tolerationSeconds: number): Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds,
});

export function defaultTolerationSeconds(options: DefaultTolerationSecondsOptions = {}): AdmissionPlugin {
  const { notReadySeconds = 300, unreachableSeconds = 300 } = options;
  return {
    name: 'DefaultTolerationSeconds',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods')) return;
      const { spec } = attributes.object as unknown as Pod;
      if (spec === undefined) return;
      const tolerations = spec.tolerations ?? [];
      const hasNotReady = tolerates(tolerations, notReady);
      const hasUnreachable = tolerates(tolerations, unreachable);
      if (hasNotReady && hasUnreachable) return;
      spec.tolerations = [...tolerations];
      if (!hasNotReady) spec.tolerations.push(toleration(notReady, notReadySeconds));
      if (!hasUnreachable) spec.tolerations.push(toleration(unreachable, unreachableSeconds));
    },
  };
}
