/** Labels that a node may give itself (`plugin/pkg/admission/noderestriction`; `k8s.io/kubelet/pkg/apis/well_known_labels.go`). */

const kubeletLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const restrictedDomain = 'node-restriction.kubernetes.io';
const kubernetesDomains = ['kubernetes.io', 'k8s.io'];

const within = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  if (slash < 0) return false;
  const domain = label.slice(0, slash);
  if (within(domain, restrictedDomain)) return true;
  if (!kubernetesDomains.some((parent) => within(domain, parent))) return false;
  return !kubeletLabels.has(label) && !kubeletDomains.some((parent) => within(domain, parent));
}

type Labels = Readonly<Record<string, string>> | undefined;

/** Changed labels that are not the node's to change, sorted. */
export function forbiddenLabelChanges(labels: Labels, old: Labels): string[] {
  const changed = new Set(
    [...Object.keys(labels ?? {}), ...Object.keys(old ?? {})].filter((key) => labels?.[key] !== old?.[key]),
  );
  return [...changed].filter(isForbidden).toSorted();
}
