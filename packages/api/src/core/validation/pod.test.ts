import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Pod } from '../../generated/types/core-v1.ts';
import { validatePodBinding, validatePodCreate } from './pod.ts';
import { gatesWith, put, testOptions, texts, validPod } from './testing/pods.ts';

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const volumes = (...list: unknown[]): [string, unknown] => ['spec.volumes', [{ name: 'data', emptyDir: {} }, ...list]];
const projected = (...sources: unknown[]): [string, unknown] => volumes({ name: 'p', projected: { sources } });

/** What is set, to which value, and the errors that follow. */
const cases: [changes: [string, unknown][], expected: string[]][] = [
  [[['spec.terminationGracePeriodSeconds', undefined]], ['spec.terminationGracePeriodSeconds: Required value']],
  [
    [['spec.restartPolicy', 'Sometimes']],
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
  ],
  [[['spec.dnsPolicy', undefined]], ['spec.dnsPolicy: Required value']],
  [[['spec.dnsPolicy', 'None']], ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
  [
    [['spec.dnsConfig', { nameservers: ['1', '1.1.1.1', '1.1.1.2', '1.1.1.3'] }]],
    [
      'spec.dnsConfig.nameservers: Invalid value: ["1","1.1.1.1","1.1.1.2","1.1.1.3"]: must not have more than 3 nameservers',
      'spec.dnsConfig.nameservers[0]: Invalid value: "1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    [['spec.dnsConfig', { nameservers: ['010.1.1.1'], options: [{}] }]],
    [
      'spec.dnsConfig.nameservers[0]: Invalid value: "010.1.1.1": must not have leading 0s',
      'spec.dnsConfig.options[0]: Required value: must not be empty',
    ],
  ],
  [
    [['spec.hostAliases', [{ ip: 'x', hostnames: ['ok'] }]]],
    ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [[['spec.hostname', 'a.b']], ['spec.hostname: Invalid value: "a.b": must not contain dots']],
  [
    [['spec.activeDeadlineSeconds', 0]],
    ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
  ],
  [
    [['spec.preemptionPolicy', 'X']],
    ['spec.preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"'],
  ],
  [
    [['spec.overhead', { cpu: '-1' }]],
    ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  [
    [['spec.readinessGates', [{ conditionType: '' }]]],
    [
      'spec.readinessGates[0].conditionType: Invalid value: "": name part must be non-empty',
      "spec.readinessGates[0].conditionType: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [[['spec.schedulingGates', [{ name: 'a' }, { name: 'a' }]]], ['spec.schedulingGates[1]: Duplicate value: "a"']],
  [
    [
      ['spec.schedulingGates', [{ name: 'a' }]],
      ['spec.nodeName', 'n'],
    ],
    ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
  ],

  // Volumes.
  [[volumes({ name: 'v' })], ['spec.volumes[1]: Required value: must specify a volume type']],
  [[volumes({ name: 'data', emptyDir: {} })], ['spec.volumes[1].name: Duplicate value: "data"']],
  [[volumes({ name: 'V', emptyDir: {} })], [`spec.volumes[1].name: Invalid value: "V": ${label}`]],
  [
    [volumes({ name: 'v', emptyDir: { sizeLimit: '-1' } })],
    ['spec.volumes[1].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity'],
  ],
  [
    [volumes({ name: 'v', emptyDir: {}, configMap: { name: 'c' } })],
    ['spec.volumes[1].configMap: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    [volumes({ name: 'v', hostPath: { path: '/a/../b', type: 'X' } })],
    [
      'spec.volumes[1].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.volumes[1].hostPath.type: Unsupported value: "X": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    [volumes({ name: 'v', gitRepo: { repository: '', directory: '/a' } })],
    [
      'spec.volumes[1].gitRepo.repository: Required value',
      'spec.volumes[1].gitRepo.directory: Invalid value: "/a": must be a relative path',
    ],
  ],
  [
    [volumes({ name: 'v', gcePersistentDisk: { pdName: '', partition: 256 } })],
    [
      'spec.volumes[1].persistentDisk.pdName: Required value',
      'spec.volumes[1].persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive',
    ],
  ],
  [
    [volumes({ name: 'v', awsElasticBlockStore: { volumeID: '' } })],
    ['spec.volumes[1].awsElasticBlockStore.volumeID: Required value'],
  ],
  [
    [volumes({ name: 'v', secret: { secretName: '', defaultMode: 512, items: [{ key: '', path: '..x', mode: -1 }] } })],
    [
      'spec.volumes[1].secret.secretName: Required value',
      'spec.volumes[1].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
      'spec.volumes[1].secret.items[0].key: Required value',
      'spec.volumes[1].secret.items[0].path: Invalid value: "..x": must not start with \'..\'',
      'spec.volumes[1].secret.items[0].mode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive',
    ],
  ],
  [
    [volumes({ name: 'v', nfs: { server: '', path: 'x' } })],
    [
      'spec.volumes[1].nfs.server: Required value',
      'spec.volumes[1].nfs.path: Invalid value: "x": must be an absolute path',
    ],
  ],
  [
    [volumes({ name: 'v', iscsi: { targetPortal: '', iqn: 'x', lun: 256, chapAuthSession: true } })],
    [
      'spec.volumes[1].iscsi.targetPortal: Required value',
      'spec.volumes[1].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
      'spec.volumes[1].iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive',
      'spec.volumes[1].iscsi.secretRef: Required value',
    ],
  ],
  [
    [volumes({ name: 'v', glusterfs: { endpoints: '', path: '' } })],
    ['spec.volumes[1].glusterfs.endpoints: Required value', 'spec.volumes[1].glusterfs.path: Required value'],
  ],
  [
    [volumes({ name: 'v', flocker: {} })],
    ['spec.volumes[1].flocker: Required value: one of datasetName and datasetUUID is required'],
  ],
  [
    [volumes({ name: 'v', persistentVolumeClaim: { claimName: '' } })],
    ['spec.volumes[1].persistentVolumeClaim.claimName: Required value'],
  ],
  [
    [volumes({ name: 'v', rbd: { monitors: [], image: '' } })],
    ['spec.volumes[1].rbd.monitors: Required value', 'spec.volumes[1].rbd.image: Required value'],
  ],
  [
    [volumes({ name: 'v', cinder: { volumeID: '', secretRef: {} } })],
    ['spec.volumes[1].cinder.volumeID: Required value', 'spec.volumes[1].cinder.secretRef.name: Required value'],
  ],
  [[volumes({ name: 'v', cephfs: { monitors: [] } })], ['spec.volumes[1].cephfs.monitors: Required value']],
  [
    [volumes({ name: 'v', quobyte: { registry: 'a', volume: '' } })],
    [
      'spec.volumes[1].quobyte.registry: Invalid value: "a": must be a host:port pair or multiple pairs separated by commas',
      'spec.volumes[1].quobyte.volume: Required value',
    ],
  ],
  [
    [volumes({ name: 'v', fc: {} })],
    ['spec.volumes[1].fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both'],
  ],
  [
    [volumes({ name: 'v', fc: { targetWWNs: ['a'] } })],
    ['spec.volumes[1].fc.lun: Required value: lun is required if targetWWNs is specified'],
  ],
  [
    [volumes({ name: 'v', flexVolume: { driver: '', options: { 'kubernetes.io/x': '1' } } })],
    [
      'spec.volumes[1].flexVolume.driver: Required value',
      'spec.volumes[1].flexVolume.options[kubernetes.io/x]: Invalid value: "kubernetes.io/x": kubernetes.io and k8s.io namespaces are reserved',
    ],
  ],
  [
    [volumes({ name: 'v', azureFile: { secretName: '', shareName: '' } })],
    ['spec.volumes[1].azureFile.secretName: Required value', 'spec.volumes[1].azureFile.shareName: Required value'],
  ],
  [
    [volumes({ name: 'v', azureDisk: { diskName: 'd', diskURI: 'x', kind: 'Managed', cachingMode: 'Z' } })],
    [
      'spec.volumes[1].azureDisk.cachingMode: Unsupported value: "Z": supported values: "None", "ReadOnly", "ReadWrite"',
      'spec.volumes[1].azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"',
    ],
  ],
  [
    [volumes({ name: 'v', vsphereVolume: { volumePath: '' } })],
    ['spec.volumes[1].vsphereVolume.volumePath: Required value'],
  ],
  [
    [volumes({ name: 'v', photonPersistentDisk: { pdID: '' } })],
    ['spec.volumes[1].photonPersistentDisk.pdID: Required value'],
  ],
  [
    [volumes({ name: 'v', portworxVolume: { volumeID: '' } })],
    ['spec.volumes[1].portworxVolume.volumeID: Required value'],
  ],
  [
    [volumes({ name: 'v', scaleIO: { gateway: '', system: '', secretRef: {}, volumeName: '' } })],
    [
      'spec.volumes[1].scaleIO.gateway: Required value',
      'spec.volumes[1].scaleIO.system: Required value',
      'spec.volumes[1].scaleIO.volumeName: Required value',
    ],
  ],
  [[volumes({ name: 'v', storageos: {} })], ['spec.volumes[1].storageos.volumeName: Required value']],
  [
    [volumes({ name: 'v', csi: { driver: 'x'.repeat(64), nodePublishSecretRef: {} } })],
    [
      'spec.volumes[1].csi.driver: Too long: may not be more than 63 bytes',
      'spec.volumes[1].csi.nodePublishSecretRef.name: Required value',
    ],
  ],
  [
    [volumes({ name: 'v', image: {} })],
    ['spec.volumes[1].image.reference: Required value', 'spec.volumes[1].image.pullPolicy: Required value'],
  ],
  [
    [volumes({ name: 'v', downwardAPI: { items: [{ path: 'a' }] } })],
    ['spec.volumes[1].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required'],
  ],
  [
    [volumes({ name: 'v', downwardAPI: { items: [{ path: 'a', resourceFieldRef: { resource: 'limits.cpu' } }] } })],
    ['spec.volumes[1].downwardAPI.resourceFieldRef.containerName: Required value'],
  ],
  [[volumes({ name: 'v', ephemeral: {} })], ['spec.volumes[1].ephemeral.volumeClaimTemplate: Required value']],
  [
    [volumes({ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: { name: 'x' }, spec: {} } } })],
    [
      'spec.volumes[1].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set',
      'spec.volumes[1].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
      'spec.volumes[1].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
    ],
  ],
  [
    [
      projected(
        { secret: { name: 's', items: [{ key: 'a', path: 'a' }] } },
        { configMap: { name: 'c', items: [{ key: 'b', path: 'a' }] } },
      ),
    ],
    ['spec.volumes[1].projected: Invalid value: "c": conflicting duplicate paths'],
  ],
  [
    [projected({ secret: { name: '' }, configMap: { name: 'c' } })],
    [
      'spec.volumes[1].projected.sources[0].secret.name: Required value',
      'spec.volumes[1].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source',
    ],
  ],
  [
    [projected({ serviceAccountToken: { expirationSeconds: 1, path: 'token' } })],
    [
      'spec.volumes[1].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
    ],
  ],
  [
    [
      projected({ serviceAccountToken: { expirationSeconds: 3600, path: 'token' } }),
      ['spec.serviceAccountName', undefined],
    ],
    [
      'spec.volumes[1].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
    ],
  ],
  [
    [projected({ clusterTrustBundle: { path: 'x' } })],
    [
      'spec.volumes[1].projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified',
    ],
  ],
  [
    [projected({ podCertificate: { signerName: 'example.com/a', keyType: 'X' } })],
    [
      'spec.volumes[1].projected.sources[0].podCertificate.keyType: Unsupported value: "X": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"',
      'spec.volumes[1].projected.sources[0].podCertificate: Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath',
    ],
  ],

  [
    [['spec.resourceClaims', [{ name: 'c' }]]],
    [
      'spec.resourceClaims[0]: Invalid value: {"name":"c"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    ],
  ],
  [
    [['spec.resources', { requests: { cpu: '100m', 'nvidia.com/gpu': '1' } }]],
    [
      'spec.resources.requests[nvidia.com/gpu]: Unsupported value: "nvidia.com/gpu": supported values: "cpu", "hugepages-", "memory"',
      'spec.resources.limits: Required value: Limit must be set for non overcommitable resources',
      'spec.resources.requests[cpu]: Invalid value: "100m": must be greater than or equal to aggregate container requests of 500m',
    ],
  ],

  // Security.
  [
    [['spec.securityContext.appArmorProfile', { type: 'Localhost', localhostProfile: ' x' }]],
    ['spec.securityContext.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace'],
  ],
  [
    [['spec.securityContext.windowsOptions', { runAsUserName: 'a\\b\\c' }]],
    [
      'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash',
    ],
  ],
  [
    [
      ['spec.securityContext.fsGroup', -1],
      ['spec.securityContext.fsGroupChangePolicy', 'X'],
    ],
    [
      'spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 4294967295, inclusive',
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "X": supported values: "Always", "OnRootMismatch"',
    ],
  ],
  [
    [['spec.securityContext.supplementalGroupsPolicy', 'X']],
    ['spec.securityContext.supplementalGroupsPolicy: Unsupported value: "X": supported values: "Merge", "Strict"'],
  ],
  [
    [['spec.securityContext.seLinuxChangePolicy', 'MountOption']],
    ['spec.securityContext.seLinuxChangePolicy: Unsupported value: "MountOption": supported values: "Recursive"'],
  ],
  [
    [
      ['spec.shareProcessNamespace', true],
      ['spec.hostPID', true],
    ],
    [
      'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
  ],
  [
    [
      ['spec.hostUsers', false],
      ['spec.hostIPC', true],
    ],
    ['spec.HostIPC: Forbidden: when `hostUsers` is false'],
  ],
  [[['spec.os', { name: 'plan9' }]], ['spec.os: Unsupported value: "plan9": supported values: "linux", "windows"']],
  [
    [
      ['spec.os', { name: 'linux' }],
      ['spec.securityContext.windowsOptions', {}],
    ],
    ['spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod'],
  ],

  // Placement.
  [
    [['spec.nodeSelector', { 'a b': 'x' }]],
    [
      "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    [['spec.tolerations', [{ operator: 'Equal', effect: 'X', tolerationSeconds: 1 }]]],
    [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      'spec.tolerations[0].effect: Invalid value: "X": effect must be \'NoExecute\' when `tolerationSeconds` is set',
      'spec.tolerations[0].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
  ],
  [
    [['spec.tolerations', [{ key: 'a', operator: 'Lt', value: '1' }]]],
    ['spec.tolerations[0].operator: Unsupported value: "Lt": supported values: "Equal", "Exists", "Lt", "Gt"'],
  ],
  [
    [
      [
        'spec.affinity',
        { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      ],
    ],
    [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    ],
  ],
  [
    [
      [
        'spec.affinity',
        {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                {
                  matchExpressions: [{ key: 'a', operator: 'In' }],
                  matchFields: [{ key: 'x', operator: 'In', values: ['n'] }],
                },
              ],
            },
          },
        },
      ],
    ],
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "x": not a valid field selector key',
    ],
  ],
  [
    [
      [
        'spec.affinity',
        {
          podAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 101, podAffinityTerm: { topologyKey: 'zone', matchLabelKeys: ['a'] } },
            ],
          },
        },
      ],
    ],
    [
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100',
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
  ],
  [
    [['spec.topologySpreadConstraints', [{ maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'X', minDomains: 1 }]]],
    [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
      'spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty',
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"',
      'spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not X',
    ],
  ],
  [
    [
      [
        'spec.topologySpreadConstraints',
        [
          { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' },
          { maxSkew: 2, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' },
        ],
      ],
    ],
    ['spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{z, DoNotSchedule}"'],
  ],
  [
    [
      ['spec.serviceAccountName', 'A'],
      ['spec.nodeName', 'n'],
    ],
    [
      "spec.serviceAccountName: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],

  // Annotations.
  [
    [['metadata.annotations', { 'kubernetes.io/config.mirror': 'x' }]],
    [
      'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
    ],
  ],
  [
    [['metadata.annotations', { 'controller.kubernetes.io/pod-deletion-cost': '+1' }]],
    ['metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "+1": must be a 32bit integer'],
  ],
  [
    [['metadata.annotations', { 'seccomp.security.alpha.kubernetes.io/pod': 'x' }]],
    [
      'metadata.annotations.seccomp.security.alpha.kubernetes.io/pod: Invalid value: "x": must be a valid seccomp profile',
    ],
  ],
  [
    [['metadata.annotations', { 'container.apparmor.security.beta.kubernetes.io/nope': 'bad' }]],
    [
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/nope]: Invalid value: "nope": container not found',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/nope]: Invalid value: "bad": invalid AppArmor profile name: "bad"',
    ],
  ],
];

const broken = (changes: [string, unknown][]): Pod =>
  changes.reduce((pod, [path, value]) => put(pod, path, value), validPod());

describe('a pod on create', () => {
  it('is accepted when valid', () => {
    expect(texts(validatePodCreate(validPod(), testOptions()))).toEqual([]);
  });

  it.each(cases)('%j', (changes, expected) => {
    expect(texts(validatePodCreate(broken(changes), testOptions()))).toEqual(expected);
  });

  it('may have what a feature gate allows', () => {
    const pod = put(validPod(), 'spec.tolerations', [{ key: 'a', operator: 'Gt', value: '01' }]);
    const options = testOptions({ gates: gatesWith('TaintTolerationComparisonOperators') });
    expect(texts(validatePodCreate(pod, options))).toEqual([
      'spec.tolerations[0].value: Invalid value: "01": must be a valid decimal integer in canonical form',
    ]);
  });

  it('may keep what the stored pod has', () => {
    const old = put(validPod(), 'metadata.annotations', { 'controller.kubernetes.io/pod-deletion-cost': 'x' });
    expect(texts(validatePodCreate(old, testOptions({ old })))).toEqual([]);
  });
});

describe('a binding', () => {
  it('names a node', () => {
    expect(texts(validatePodBinding({ metadata: {}, target: { kind: 'Pod', name: '' } }))).toEqual([
      'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
      'target.name: Required value',
    ]);
    expect(validatePodBinding({ metadata: {}, target: { kind: 'Node', name: 'n' } })).toEqual([]);
  });
});

const fixtures = new URL('../../../../../../shared/reference/testdata/api/', import.meta.url);

describe.skipIf(!existsSync(fixtures))('the fixtures', () => {
  const names = existsSync(fixtures) ? readdirSync(fixtures).filter((name) => name.endsWith('v1.Pod.json')) : [];

  it.each(names)('%s is checked to the end without a crash', (name) => {
    const pod = JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as Pod;
    // Every field is set, those that exclude each other too: it cannot be valid.
    expect(validatePodCreate(pod, testOptions()).length).toBeGreaterThan(50);
  });
});
