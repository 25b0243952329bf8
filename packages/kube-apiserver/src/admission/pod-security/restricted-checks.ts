/** What the restricted level adds to the baseline (`k8s.io/pod-security-admission/policy/check_*.go`; v1.36). */
import type { Container, Volume } from '@kubets/api/types/core-v1';
import { seccompFields } from './baseline-checks.ts';
import {
  containersOf,
  containersText,
  containersWhere,
  exceptUserNamespaces,
  exceptWindows,
  plural,
  quoted,
  settersText,
  sortedSet,
  type Check,
  type CheckPod,
} from './check.ts';

const allowPrivilegeEscalation: CheckPod = (spec) => {
  const bad = containersWhere(spec, (c) => c.securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

const capabilities: CheckPod = (spec) => {
  const added = (c: Container): string[] =>
    (c.securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE');
  const keeping = containersWhere(spec, (c) => !(c.securityContext?.capabilities?.drop ?? []).includes('ALL'));
  const adding = containersWhere(spec, (c) => added(c).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const values = sortedSet(containersOf(spec).flatMap(added));
    details.push(`${containersText(adding)} must not include ${quoted(values)} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const;

const volumeType = (volume: Volume): string => Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';

const restrictedVolumes: CheckPod = (spec) => {
  const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.some((kind) => volume[kind] !== undefined));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map(volumeType));
  const names = bad.map((volume) => volume.name);
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)} ${plural('uses', 'use', names.length)} ${plural('restricted volume type', 'restricted volume types', types.length)} ${quoted(types)}`,
  };
};

const runAsNonRoot: CheckPod = (spec) => {
  const ofPod = spec.securityContext?.runAsNonRoot;
  const explicit = settersText(
    ofPod === false,
    containersWhere(spec, (c) => c.securityContext?.runAsNonRoot === false),
  );
  const reason = 'runAsNonRoot != true';
  if (explicit !== '') return { reason, detail: `${explicit} must not set securityContext.runAsNonRoot=false` };
  if (ofPod === true) return undefined;
  const implicit = containersWhere(spec, (c) => c.securityContext?.runAsNonRoot === undefined);
  if (implicit.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(implicit)} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: CheckPod = (spec) => {
  const bad = containersWhere(spec, (c) => c.securityContext?.runAsUser === 0);
  const who = settersText(spec.securityContext?.runAsUser === 0, bad);
  return who === '' ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
};

const seccompProfile: CheckPod = (spec, metadata) => {
  const explicit = seccompFields(spec, metadata);
  if (explicit !== undefined || spec.securityContext?.seccompProfile !== undefined) return explicit;
  const implicit = containersWhere(spec, (c) => c.securityContext?.seccompProfile === undefined);
  if (implicit.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersText(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

/** By id, as upstream runs them. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      { since: 8, check: allowPrivilegeEscalation },
      { since: 25, check: exceptWindows(allowPrivilegeEscalation) },
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    versions: [
      { since: 22, check: capabilities, overrides: ['capabilities_baseline'] },
      { since: 25, check: exceptWindows(capabilities), overrides: ['capabilities_baseline'] },
    ],
  },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    versions: [{ since: 0, check: restrictedVolumes, overrides: ['hostPathVolumes'] }],
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      { since: 0, check: runAsNonRoot },
      { since: 35, check: exceptUserNamespaces(runAsNonRoot) },
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      { since: 23, check: runAsUser },
      { since: 35, check: exceptUserNamespaces(runAsUser) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    versions: [
      { since: 19, check: seccompProfile, overrides: ['seccompProfile_baseline'] },
      { since: 25, check: exceptWindows(seccompProfile), overrides: ['seccompProfile_baseline'] },
    ],
  },
];
