/** The objects the benchmark works on: pods of about 4.3 kB of JSON as the server stores them, managed fields and what admission adds included. */

const filler = (length: number): string =>
  'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(Math.ceil(length / 36)).slice(0, length);

function container(name: string): object {
  return {
    name,
    image: `registry.example/${name}:v1.2.3`,
    command: ['/bin/server', '--listen=:8080', `--name=${name}`],
    ports: [{ name: `${name}-http`, containerPort: 8080 }],
    env: Array.from({ length: 7 }, (_, i) => ({ name: `SETTING_${i}`, value: filler(24) })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 5 },
  };
}

export function pod(name: string, label: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'bench', 'bench.example/item': label, tier: 'backend' },
      annotations: { 'bench.example/notes': filler(140) },
    },
    spec: {
      containers: [container('main')],
      volumes: [{ name: 'data', emptyDir: {} }],
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'bench', effect: 'NoSchedule' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      // No node will ever match: the pods stay as they are, whatever else runs in the cluster.
      schedulerName: 'bench-nobody',
    },
  };
}

export function configMap(name: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { key: filler(64), other: filler(64) } };
}
