import { FakeClock } from '@kubets/apimachinery/fake-clock';
import type { Container, PodSpec } from '@kubets/api/types/core-v1';
import { describe, expect, it } from 'vitest';
import { FakeCacheDirectory } from '../../authorization/testing/fake-cache.ts';
import { attributes, verdict } from '../testing/attributes.ts';
import { evaluatePod, violationDetails } from './evaluate.ts';
import { podSecurity } from './pod-security.ts';
import { policyOf, parseVersion, type LevelVersion } from './policy.ts';

type Spec = Partial<PodSpec>;
const c = (securityContext?: object, over: object = {}): Container =>
  ({ name: 'c', ...(securityContext && { securityContext }), ...over }) as Container;
const spec = (container: Container = c(), over: object = {}): PodSpec =>
  ({ containers: [container], ...over }) as PodSpec;
const details = (wanted: LevelVersion, given: PodSpec, annotations?: Record<string, string>): string =>
  violationDetails(evaluatePod(wanted, annotations === undefined ? {} : { annotations }, given));
const baseline = (given: PodSpec, annotations?: Record<string, string>) =>
  details({ level: 'baseline', version: 'latest' }, given, annotations);
const restricted = (given: PodSpec, version: LevelVersion['version'] = 'latest') =>
  details({ level: 'restricted', version }, given);

const hardened = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

describe('baseline', () => {
  it.each<[string, PodSpec, string]>([
    ['a plain pod', spec(), ''],
    [
      'AppArmor',
      spec(c({ appArmorProfile: { type: 'Unconfined' } })),
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'capabilities',
      spec(c({ capabilities: { add: ['SYS_ADMIN', 'CHOWN', 'NET_RAW'] } })),
      'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'host namespaces',
      spec(c(), { hostNetwork: true, hostIPC: true }),
      'host namespaces (hostNetwork=true, hostIPC=true)',
    ],
    [
      'host paths',
      spec(c(), {
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', hostPath: { path: '/' } },
        ],
      }),
      'hostPath volumes (volumes "a", "b")',
    ],
    [
      'host ports',
      spec(
        c(undefined, {
          ports: [
            { containerPort: 80, hostPort: 8080 },
            { containerPort: 81, hostPort: 0 },
          ],
        }),
      ),
      'hostPort (container "c" uses hostPort 8080)',
    ],
    [
      'probes of other hosts',
      spec(c(undefined, { livenessProbe: { httpGet: { host: '1.2.3.4', port: 80 } } })),
      'probe or lifecycle host (container "c" uses probe or lifecycle host "1.2.3.4")',
    ],
    [
      'privileged',
      spec(c({ privileged: true }), { initContainers: [c({ privileged: true }, { name: 'i' })] }),
      'privileged (containers "i", "c" must not set securityContext.privileged=true)',
    ],
    [
      'proc mounts',
      spec(c({ procMount: 'Unmasked' })),
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
    ['proc mounts in a user namespace', spec(c({ procMount: 'Unmasked' }), { hostUsers: false }), ''],
    [
      'SELinux',
      spec(c({ seLinuxOptions: { type: 'spc_t' } }), { securityContext: { seLinuxOptions: { user: 'u' } } }),
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    ['SELinux that is fine', spec(c({ seLinuxOptions: { type: 'container_engine_t' } })), ''],
    [
      'seccomp',
      spec(c(), { securityContext: { seccompProfile: { type: 'Unconfined' } } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'sysctls',
      spec(c(), {
        securityContext: {
          sysctls: [
            { name: 'kernel.msgmax', value: '1' },
            { name: 'net.ipv4.tcp_rmem', value: '1' },
          ],
        },
      }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'host processes',
      spec(c({ windowsOptions: { hostProcess: true } })),
      'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      'ephemeral containers',
      spec(c(), { ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }] }),
      'privileged (container "e" must not set securityContext.privileged=true)',
    ],
  ])('%s', (_, given, expected) => {
    expect(baseline(given)).toBe(expected);
  });

  it('looks at annotations of AppArmor', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/c';
    expect(baseline(spec(), { [key]: 'unconfined' })).toBe(`forbidden AppArmor profile (${key}="unconfined")`);
    expect(baseline(spec(), { [key]: 'localhost/x' })).toBe('');
  });

  it.each<[string, LevelVersion['version'], PodSpec, Record<string, string> | undefined, boolean]>([
    [
      'newer sysctls',
      31,
      spec(c(), { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] } }),
      undefined,
      false,
    ],
    ['newer SELinux types', 30, spec(c({ seLinuxOptions: { type: 'container_engine_t' } })), undefined, false],
    [
      'probes, before 1.34',
      33,
      spec(c(undefined, { livenessProbe: { httpGet: { host: 'x', port: 1 } } })),
      undefined,
      true,
    ],
    [
      'seccomp annotations, before 1.19',
      18,
      spec(),
      { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
      false,
    ],
    ['seccomp annotations, later', 19, spec(), { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }, true],
    ['versions to come', 99, spec(c({ privileged: true })), undefined, false],
  ])('%s', (_, version, given, annotations, fine) => {
    expect(details({ level: 'baseline', version }, given, annotations) === '').toBe(fine);
  });
});

describe('restricted', () => {
  it.each<[string, PodSpec, string]>([
    ['a hardened pod', spec(c(hardened)), ''],
    [
      'a plain pod',
      spec(),
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      'more capabilities',
      spec(c({ ...hardened, capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } })),
      'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      'other volumes',
      spec(c(hardened), {
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', nfs: {} },
          { name: 'd', emptyDir: {} },
        ],
      }),
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ],
    [
      'root by the pod',
      spec(c(hardened), { securityContext: { runAsNonRoot: false } }),
      'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
    ],
    [
      'not root by the pod',
      spec(c({ ...hardened, runAsNonRoot: undefined }), { securityContext: { runAsNonRoot: true } }),
      '',
    ],
    ['user 0', spec(c({ ...hardened, runAsUser: 0 })), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      'user 0 in a user namespace',
      spec(c({ ...hardened, runAsUser: 0, runAsNonRoot: false }), { hostUsers: false }),
      '',
    ],
    ['Windows', spec(c({ runAsNonRoot: true }), { os: { name: 'windows' } }), ''],
    [
      'bad seccomp of a container',
      spec(c({ ...hardened, seccompProfile: { type: 'Unconfined' } })),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'seccomp of the pod',
      spec(c({ ...hardened, seccompProfile: undefined }), {
        securityContext: { seccompProfile: { type: 'Localhost' } },
      }),
      '',
    ],
  ])('%s', (_, given, expected) => {
    expect(restricted(given)).toBe(expected);
  });

  it('asks for less in older versions', () => {
    expect(restricted(spec(c({ runAsNonRoot: true })), 7)).toBe('');
    expect(
      restricted(
        spec(
          c({
            runAsNonRoot: true,
            runAsUser: 0,
            allowPrivilegeEscalation: false,
            seccompProfile: { type: 'RuntimeDefault' },
          }),
        ),
        21,
      ),
    ).toBe('');
  });
});

describe('labels', () => {
  it.each([
    ['latest', 'latest'],
    ['v1.25', 25],
    ['1.25', undefined],
    ['v1.025', undefined],
    ['v2.0', undefined],
  ])('version %s', (text, expected) => {
    expect(parseVersion(text)).toBe(expected);
  });

  it('warn of what is enforced, and fail safe', () => {
    const { policy } = policyOf({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': 'v1.30',
    });
    expect(policy).toEqual({
      enforce: { level: 'restricted', version: 30 },
      audit: { level: 'privileged', version: 'latest' },
      warn: { level: 'restricted', version: 30 },
    });
    const bad = policyOf({ 'pod-security.kubernetes.io/enforce': 'x', 'pod-security.kubernetes.io/warn': 'y' });
    expect(bad.policy).toMatchObject({ enforce: { level: 'restricted' }, warn: { level: 'privileged' } });
    expect(bad.errors).toHaveLength(2);
  });
});

function setup(labels: Record<string, string>) {
  const caches = new FakeCacheDirectory();
  caches.put('', 'namespaces', { metadata: { name: 'ns', labels } });
  return { caches, plugin: podSecurity({ caches, clock: new FakeClock() }) };
}

const pod = (given: Spec, metadata: object = {}) => ({
  metadata: { name: 'p', namespace: 'ns', ...metadata },
  spec: given,
});
const enforceBaseline = { 'pod-security.kubernetes.io/enforce': 'baseline' };
const bad = spec(c({ privileged: true }));

describe('PodSecurity', () => {
  it('forbids, warns and annotates', async () => {
    const { plugin } = setup({
      ...enforceBaseline,
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/audit': 'restricted',
    });
    expect(await verdict(plugin, attributes('pods', pod(bad)))).toBe(
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    );
    const given = attributes('pods', pod(spec()));
    expect(await verdict(plugin, given)).toBe('');
    expect(given.warnings).toEqual([
      expect.stringMatching(/^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/),
    ]);
    expect(given.annotations).toMatchObject({
      'pod-security.kubernetes.io/enforce-policy': 'baseline:latest',
      'pod-security.kubernetes.io/audit-violations': expect.stringContaining(
        'would violate PodSecurity "restricted:latest"',
      ),
    });
  });

  it.each<[string, object, Parameters<typeof attributes>[2]]>([
    ['status updates', pod(bad), { subresource: 'status', old: pod(bad) }],
    ['updates that change nothing of it', pod(bad, { labels: { a: 'b' } }), { old: pod(bad) }],
    ['the privileged level', { ...pod(bad), metadata: { name: 'p', namespace: 'free' } }, {}],
  ])('lets %s pass', async (_, object, over) => {
    const { caches, plugin } = setup(enforceBaseline);
    caches.put('', 'namespaces', { metadata: { name: 'free', labels: {} } });
    expect(await verdict(plugin, attributes('pods', object, over))).toBe('');
  });

  it('looks at new images and added ephemeral containers', async () => {
    const { plugin } = setup(enforceBaseline);
    const old = pod(bad);
    const changed = pod(spec(c({ privileged: true }, { image: 'new' })));
    expect(await verdict(plugin, attributes('pods', changed, { old }))).toContain('violates PodSecurity');
    const debug = pod(spec(c(), { ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }] }));
    expect(
      await verdict(plugin, attributes('pods', debug, { old: pod(spec()), subresource: 'ephemeralcontainers' })),
    ).toContain('container "e"');
  });

  it('warns of templates, and lets them pass', async () => {
    const { plugin } = setup(enforceBaseline);
    const given = attributes(
      'deployments',
      { metadata: { name: 'd', namespace: 'ns' }, spec: { template: { metadata: {}, spec: bad } } },
      { group: 'apps' },
    );
    expect(await verdict(plugin, given)).toBe('');
    expect(given.warnings).toEqual([
      'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    ]);
    const cron = attributes(
      'cronjobs',
      { metadata: { name: 'd', namespace: 'ns' }, spec: { jobTemplate: { spec: { template: { spec: bad } } } } },
      { group: 'batch' },
    );
    await verdict(plugin, cron);
    expect(cron.warnings).toHaveLength(1);
  });

  it('checks labels of namespaces, and the pods that are there', async () => {
    const { caches, plugin } = setup({});
    const namespace = (labels: object) => ({ metadata: { name: 'ns', labels } });
    expect(
      await verdict(plugin, attributes('namespaces', namespace({ 'pod-security.kubernetes.io/enforce': 'x' }))),
    ).toBe(
      'Namespace "ns" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
    );
    for (const name of ['b', 'a', 'z'])
      caches.put('', 'pods', pod(name === 'z' ? spec(c(), { hostPID: true }) : bad, { name }));
    const given = attributes('namespaces', namespace(enforceBaseline), { old: namespace({}) });
    expect(await verdict(plugin, given)).toBe('');
    expect(given.warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 1 other pod): privileged',
      'z: host namespaces',
    ]);
  });
});
