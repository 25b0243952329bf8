import { describe, expect, it } from 'vitest';
import type { Pod } from '../../generated/types/core-v1.ts';
import { validatePodCreate } from './pod.ts';
import { put, testOptions, texts, validContainer, validPod } from './testing/pods.ts';

const c0 = 'spec.containers.0';
const at = 'spec.containers[0]';

/** What is set, to which value, and the errors that follow. */
const cases: [changes: [string, unknown][], expected: string[]][] = [
  [[['spec.containers', []]], ['spec.containers: Required value']],
  [
    [
      ['spec.hostnameOverride', 'x'],
      ['spec.hostNetwork', true],
      [`${c0}.ports`, []],
    ],
    ['spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true'],
  ],
  [
    [
      [
        'spec.ephemeralContainers',
        [{ name: 'd', image: 'i', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' }],
      ],
    ],
    ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ],
  // Containers.
  [[[`${c0}.name`, '']], [`${at}.name: Required value`]],
  [[[`${c0}.image`, undefined]], [`${at}.image: Required value`]],
  [[[`${c0}.image`, ' x']], [`${at}.image: Invalid value: " x": must not have leading or trailing whitespace`]],
  [[['spec.containers.1', { ...validContainer(), ports: [] }]], ['spec.containers[1].name: Duplicate value: "app"']],
  [
    [[`${c0}.terminationMessagePolicy`, 'X']],
    [`${at}.terminationMessagePolicy: Unsupported value: "X": supported values: "File", "FallbackToLogsOnError"`],
  ],
  [[[`${c0}.imagePullPolicy`, undefined]], [`${at}.imagePullPolicy: Required value`]],
  [
    [[`${c0}.ports`, [{ containerPort: 0, protocol: 'X' }]]],
    [
      `${at}.ports[0].containerPort: Required value`,
      `${at}.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"`,
    ],
  ],
  [
    [
      [
        `${c0}.ports`,
        [
          { name: 'http', containerPort: 1, protocol: 'TCP' },
          { name: 'http', containerPort: 70000, protocol: 'TCP' },
        ],
      ],
    ],
    [
      `${at}.ports[1].name: Duplicate value: "http"`,
      `${at}.ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
  ],
  [
    [
      [
        `${c0}.ports`,
        [
          { containerPort: 1, hostPort: 80, protocol: 'TCP' },
          { containerPort: 2, hostPort: 80, protocol: 'TCP' },
        ],
      ],
    ],
    [`${at}.ports[1].hostPort: Duplicate value: "TCP//80"`],
  ],
  [
    [['spec.hostNetwork', true]],
    [`${at}.ports[0].hostPort: Invalid value: 0: must match \`containerPort\` when \`hostNetwork\` is true`],
  ],
  [
    [[`${c0}.env`, [{ name: '' }, { name: 'A=B' }]]],
    [
      `${at}.env[0].name: Required value`,
      `${at}.env[1].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: {} }]]],
    [
      `${at}.env[0].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
    ],
  ],
  [
    [
      [
        `${c0}.env`,
        [{ name: 'A', value: 'x', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
      ],
    ],
    [`${at}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.foo' } } }]]],
    [
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.foo": error converting fieldPath: field label not supported: metadata.foo`,
    ],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.phase' } } }]]],
    [
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"`,
    ],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } } }]]],
    [
      `${at}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
    ],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: '' } } }]]],
    [`${at}.env[0].valueFrom.secretKeyRef.key: Required value`],
  ],
  [
    [[`${c0}.env`, [{ name: 'A', valueFrom: { fileKeyRef: { volumeName: 'nope', path: '../x', key: 'K' } } }]]],
    [
      `${at}.env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain '..'`,
      `${at}.env[0].valueFrom.fileKeyRef.volumeName: Not found: "nope"`,
    ],
  ],
  [
    [[`${c0}.envFrom`, [{}]]],
    [`${at}.envFrom: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
  ],
  [[[`${c0}.envFrom`, [{ configMapRef: {} }]]], [`${at}.envFrom[0].configMapRef.name: Required value`]],
  [
    [
      [
        `${c0}.volumeMounts`,
        [
          { name: 'nope', mountPath: '/a' },
          { name: 'data', mountPath: '/a', subPath: '/x' },
        ],
      ],
    ],
    [
      `${at}.volumeMounts[0].name: Not found: "nope"`,
      `${at}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`,
      `${at}.volumeMounts.subPath: Invalid value: "/x": must be a relative path`,
    ],
  ],
  [
    [
      [`${c0}.volumeMounts.0.subPath`, 'a'],
      [`${c0}.volumeMounts.0.subPathExpr`, 'b'],
    ],
    [`${at}.volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive`],
  ],
  [
    [[`${c0}.volumeMounts.0.mountPropagation`, 'Bidirectional']],
    [
      `${at}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ],
  ],
  [
    [[`${c0}.volumeMounts.0.recursiveReadOnly`, 'Enabled']],
    [`${at}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`],
  ],
  [
    [[`${c0}.volumeDevices`, [{ name: 'data', devicePath: '/dev/../x' }]]],
    [
      `${at}.volumeMounts[0].name: Invalid value: "data": must not already exist in volumeDevices`,
      `${at}.volumeDevices[0].name: Invalid value: "data": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
      `${at}.volumeDevices[0].devicePath: Invalid value: "/dev/../x": can not contain backsteps ('..')`,
      `${at}.volumeDevices[0].name: Invalid value: "data": must not already exist in volumeMounts`,
    ],
  ],
  [
    [[`${c0}.livenessProbe`, { successThreshold: 2, timeoutSeconds: -1 }]],
    [
      `${at}.livenessProbe: Required value: must specify a handler type`,
      `${at}.livenessProbe.timeoutSeconds: Invalid value: -1: must be greater than or equal to 0`,
      `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
  ],
  [
    [[`${c0}.readinessProbe`, { exec: { command: [] }, terminationGracePeriodSeconds: 1 }]],
    [
      `${at}.readinessProbe.exec.command: Required value`,
      `${at}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`,
    ],
  ],
  [
    [[`${c0}.livenessProbe.httpGet`, { path: '', port: 0, scheme: 'FTP' }]],
    [
      `${at}.livenessProbe.httpGet.path: Required value`,
      `${at}.livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`,
      `${at}.livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"`,
    ],
  ],
  [
    [[`${c0}.livenessProbe.tcpSocket`, { port: 1 }]],
    [`${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
  ],
  [
    [[`${c0}.lifecycle`, { preStop: { sleep: { seconds: 31 } } }]],
    [
      `${at}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
    ],
  ],
  [
    [[`${c0}.lifecycle`, { stopSignal: 'SIGTERM' }]],
    [`${at}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``],
  ],
  [
    [[`${c0}.resources`, { limits: { cpu: '1' }, requests: { cpu: '2' } }]],
    [`${at}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
  ],
  [
    [[`${c0}.resources`, { limits: { foo: '1' } }]],
    [
      `${at}.resources.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified`,
      `${at}.resources.limits[foo]: Invalid value: "foo": must be a standard resource for containers`,
    ],
  ],
  [
    [[`${c0}.resources`, { requests: { 'nvidia.com/gpu': '1500m' } }]],
    [
      `${at}.resources.requests[nvidia.com/gpu]: Invalid value: "1500m": must be an integer`,
      `${at}.resources.limits: Required value: Limit must be set for non overcommitable resources`,
    ],
  ],
  [
    [[`${c0}.resources`, { limits: { 'hugepages-2Mi': '3Mi' } }]],
    [
      `${at}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
      `${at}.resources: Forbidden: HugePages require cpu or memory`,
    ],
  ],
  [
    [[`${c0}.resources.claims`, [{ name: 'c' }]]],
    [`${at}.resources.claims[0]: Not found: "c": must be one of the names in pod.spec.resourceClaims which is empty`],
  ],
  [
    [['spec.resources', { limits: { cpu: '500m' } }]],
    ['spec.resources.containers[0][cpu].limits: Invalid value: "1": must be less than or equal to pod limits of 500m'],
  ],
  [
    [
      [`${c0}.resizePolicy`, [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }]],
      ['spec.restartPolicy', 'Never'],
    ],
    [
      `${at}.resizePolicy: Invalid value: "RestartContainer": must be 'NotRequired' when pod \`restartPolicy\` is 'Never'`,
    ],
  ],
  [
    [[`${c0}.restartPolicyRules`, [{ action: 'Restart' }]]],
    [
      `${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`,
      `${at}.restartPolicyRules[0].exitCodes: Required value: must be specified`,
    ],
  ],
  [
    [['spec.initContainers', [{ ...validContainer('init'), restartPolicy: 'Bad' }]]],
    [
      'spec.initContainers[0].restartPolicy: Unsupported value: "Bad": supported values: "Always", "Never", "OnFailure"',
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  ],
  [
    [['spec.initContainers', [{ ...validContainer('app'), livenessProbe: undefined }]]],
    ['spec.initContainers[0].name: Duplicate value: "app"'],
  ],
  [
    [[`${c0}.securityContext`, { allowPrivilegeEscalation: false, privileged: true }]],
    [
      `${at}.securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`,
    ],
  ],
  [
    [[`${c0}.securityContext`, { runAsUser: -1, procMount: 'Unmasked' }]],
    [
      `${at}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 4294967295, inclusive`,
      `${at}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
    ],
  ],
  [
    [[`${c0}.securityContext.seccompProfile`, { type: 'Localhost' }]],
    [
      `${at}.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost`,
    ],
  ],
  [
    [['spec.securityContext.windowsOptions', { hostProcess: true }]],
    ['spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers'],
  ],
  [
    [
      [
        'spec.securityContext.sysctls',
        [
          { name: 'net.x', value: '1' },
          { name: 'Bad', value: '' },
        ],
      ],
      ['spec.hostNetwork', true],
      [`${c0}.ports`, []],
    ],
    [
      'spec.securityContext.sysctls[0].name: Invalid value: "net.x": may not be specified when \'hostNetwork\' is true',
      'spec.securityContext.sysctls[1].name: Invalid value: "Bad": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
    ],
  ],
  [
    [['spec.os', { name: 'windows' }]],
    [`${at}.securityContext.allowPrivilegeEscalation: Forbidden: cannot be set for a windows pod`],
  ],
  [
    [
      ['metadata.annotations', { 'container.apparmor.security.beta.kubernetes.io/app': 'unconfined' }],
      ['spec.securityContext.appArmorProfile', { type: 'RuntimeDefault' }],
    ],
    [`${at}.securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match`],
  ],
];

const broken = (changes: [string, unknown][]): Pod =>
  changes.reduce((pod, [path, value]) => put(pod, path, value), validPod());

describe('containers of a pod on create', () => {
  it.each(cases)('%j', (changes, expected) => {
    expect(texts(validatePodCreate(broken(changes), testOptions()))).toEqual(expected);
  });
});
