/** The baseline level (`k8s.io/pod-security-admission/policy/check_*.go`; Pod Security Standards v1.36). */
import type { Container, PodSpec, SELinuxOptions } from '@kubets/api/types/core-v1';
import {
  containersOf,
  containersText,
  containersWhere,
  exceptUserNamespaces,
  plural,
  quoted,
  settersText,
  sortedSet,
  type Check,
  type CheckPod,
} from './check.ts';

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

const appArmorProfile: CheckPod = (spec, metadata) => {
  const isBad = (type: string | undefined): boolean =>
    type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const podType = spec.securityContext?.appArmorProfile?.type;
  const bad = containersOf(spec).filter((c) => isBad(c.securityContext?.appArmorProfile?.type));
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key, value]) =>
      key.startsWith(appArmorPrefix) && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'),
  );
  const values = sortedSet([
    ...(isBad(podType) ? [podType ?? ''] : []),
    ...bad.map((c) => c.securityContext?.appArmorProfile?.type ?? ''),
  ]);
  const details: string[] = [];
  if (values.length > 0) {
    const who = settersText(
      isBad(podType),
      bad.map((c) => c.name),
    );
    details.push(`${who} must not set AppArmor profile type to ${quoted(values)}`);
  }
  details.push(...annotations.map(([key, value]) => `${key}=${JSON.stringify(value)}`).toSorted());
  const count = values.length + annotations.length;
  if (count === 0) return undefined;
  return {
    reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', count),
    detail: details.join(', '),
  };
};

const defaultCapabilities: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const capabilities: CheckPod = (spec) => {
  const added = (c: Container): string[] =>
    (c.securityContext?.capabilities?.add ?? []).filter((capability) => !defaultCapabilities.has(capability));
  const bad = containersWhere(spec, (c) => added(c).length > 0);
  if (bad.length === 0) return undefined;
  const values = sortedSet(containersOf(spec).flatMap(added));
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(bad)} must not include ${quoted(values)} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: CheckPod = (spec) => {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  return set.length === 0
    ? undefined
    : { reason: 'host namespaces', detail: set.map((field) => `${field}=true`).join(', ') };
};

const hostPathVolumes: CheckPod = (spec) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath !== undefined).map((volume) => volume.name);
  if (bad.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', bad.length)} ${quoted(bad)}` };
};

const hostPorts: CheckPod = (spec) => {
  const ports = (c: Container): string[] =>
    (c.ports ?? []).flatMap((port) => (port.hostPort ? [String(port.hostPort)] : []));
  const bad = containersWhere(spec, (c) => ports(c).length > 0);
  if (bad.length === 0) return undefined;
  const all = sortedSet(containersOf(spec).flatMap(ports));
  const verb = plural('uses', 'use', bad.length);
  return {
    reason: 'hostPort',
    detail: `${containersText(bad)} ${verb} ${plural('hostPort', 'hostPorts', all.length)} ${all.join(', ')}`,
  };
};

const hostProbesAndLifecycle: CheckPod = (spec) => {
  const hosts = (c: Container): string[] =>
    [c.livenessProbe, c.readinessProbe, c.startupProbe, c.lifecycle?.postStart, c.lifecycle?.preStop].flatMap(
      (handler) =>
        [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => host !== undefined && host !== ''),
    ) as string[];
  const bad = sortedSet(containersWhere(spec, (c) => hosts(c).length > 0));
  if (bad.length === 0) return undefined;
  const all = sortedSet(containersOf(spec).flatMap(hosts));
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', all.length);
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersText(bad)} ${plural('uses', 'use', bad.length)} ${what} ${quoted(all)}`,
  };
};

const privileged: CheckPod = (spec) => {
  const bad = containersWhere(spec, (c) => c.securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` };
};

const procMount: CheckPod = (spec) => {
  const mountOf = (c: Container): string => c.securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter((c) => mountOf(c) !== 'Default');
  if (bad.length === 0) return undefined;
  return {
    reason: 'procMount',
    detail: `${containersText(bad.map((c) => c.name))} must not set securityContext.procMount to ${quoted(sortedSet(bad.map(mountOf)))}`,
  };
};

const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

const seLinux =
  (allowed: readonly string[]): CheckPod =>
  (spec) => {
    const isBad = (options: SELinuxOptions | undefined): boolean =>
      options !== undefined &&
      (!allowed.includes(options.type ?? '') || Boolean(options.user) || Boolean(options.role));
    const podOptions = spec.securityContext?.seLinuxOptions;
    const bad = containersOf(spec).filter((c) => isBad(c.securityContext?.seLinuxOptions));
    const who = settersText(
      isBad(podOptions),
      bad.map((c) => c.name),
    );
    if (who === '') return undefined;
    const all = [podOptions, ...bad.map((c) => c.securityContext?.seLinuxOptions)];
    const types = sortedSet(all.map((options) => options?.type ?? '').filter((type) => !allowed.includes(type)));
    const what = [
      ...(types.length > 0 ? [`${plural('type', 'types', types.length)} ${quoted(types)}`] : []),
      ...(all.some((options) => options?.user) ? ['user may not be set'] : []),
      ...(all.some((options) => options?.role) ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
    };
  };

const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';

/** Before there were fields. */
const seccompAnnotations: CheckPod = (spec, metadata) => {
  const keys = [seccompPodAnnotation, ...containersOf(spec).map((c) => `${seccompContainerPrefix}${c.name}`)];
  const bad = keys.flatMap((key) => {
    const value = metadata.annotations?.[key];
    const fine =
      value === undefined ||
      value === 'runtime/default' ||
      value === 'docker/default' ||
      value.startsWith('localhost/');
    return fine ? [] : [`${key}=${JSON.stringify(value)}`];
  });
  if (bad.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${sortedSet(bad).join(', ')}`,
  };
};

const isBadSeccomp = (type: string | undefined): boolean =>
  type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';

/** Profiles that are set, and to something bad. Part of both levels. */
export const seccompFields: CheckPod = (spec) => {
  const podType = spec.securityContext?.seccompProfile?.type;
  const bad = containersOf(spec).filter((c) => isBadSeccomp(c.securityContext?.seccompProfile?.type));
  const who = settersText(
    isBadSeccomp(podType),
    bad.map((c) => c.name),
  );
  if (who === '') return undefined;
  const types = [
    ...(isBadSeccomp(podType) ? [podType] : []),
    ...bad.map((c) => c.securityContext?.seccompProfile?.type),
  ];
  const values = sortedSet(types.map((type) => type ?? ''));
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
};

const sysctlsOf = (version: number): ReadonlySet<string> =>
  new Set(
    [
      { since: 0, names: ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies'] },
      { since: 0, names: ['net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start'] },
      { since: 27, names: ['net.ipv4.ip_local_reserved_ports'] },
      { since: 29, names: ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout'] },
      { since: 29, names: ['net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'] },
      { since: 32, names: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'] },
    ].flatMap(({ since, names }) => (version >= since ? names : [])),
  );

function sysctls(version: number): CheckPod {
  const allowed = sysctlsOf(version);
  return (spec) => {
    const bad = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !allowed.has(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };
}

const windowsHostProcess: CheckPod = (spec: Readonly<PodSpec>) => {
  const bad = containersWhere(spec, (c) => c.securityContext?.windowsOptions?.hostProcess === true);
  const who = settersText(spec.securityContext?.windowsOptions?.hostProcess === true, bad);
  if (who === '') return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
};

const always = (check: CheckPod): Check['versions'] => [{ since: 0, check }];

/** By id, as upstream runs them. */
export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: always(appArmorProfile) },
  { id: 'capabilities_baseline', level: 'baseline', versions: always(capabilities) },
  { id: 'hostNamespaces', level: 'baseline', versions: always(hostNamespaces) },
  { id: 'hostPathVolumes', level: 'baseline', versions: always(hostPathVolumes) },
  { id: 'hostPorts', level: 'baseline', versions: always(hostPorts) },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, check: hostProbesAndLifecycle }] },
  { id: 'privileged', level: 'baseline', versions: always(privileged) },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      { since: 0, check: procMount },
      { since: 35, check: exceptUserNamespaces(procMount) },
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, check: seLinux(seLinuxTypes) },
      { since: 31, check: seLinux([...seLinuxTypes, 'container_engine_t']) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompFields },
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [0, 27, 29, 32].map((since) => ({ since, check: sysctls(since) })),
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: always(windowsHostProcess) },
];
