/**
 * What a user types, with the kubectl of this machine: every line of the list that a control plane
 * without nodes has to satisfy.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Kubectl, kubectlVersion } from './harness/kubectl.ts';
import { KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

const version = kubectlVersion();
if (version === undefined) process.stdout.write('no kubectl 1.27 or newer on this machine: its tests are skipped\n');

const deployment = (replicas: number, image = 'nginx:1.27'): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: ${image}
        ports: [{containerPort: 80}]
`;

describe.skipIf(version === undefined)(`kubectl ${version}`, () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: KubetsProcess;
  let kubectl: Kubectl;
  const k = (...args: string[]): Promise<string> => kubectl.must(args);
  const withInput = (input: string, ...args: string[]): Promise<string> => kubectl.must(args, input);

  beforeAll(async () => {
    directory = await temporaryDirectory();
    server = await KubetsProcess.start(join(directory.path, 'data'));
    kubectl = new Kubectl(server.kubeconfig, directory.path);
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  it('version', async () => {
    expect(await k('version')).toMatch(/Server Version: v1\.36/);
  });

  it('api-resources', async () => {
    const out = await k('api-resources');
    expect(out).toMatch(/^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m);
    expect(out).toMatch(/^pods\s+po\s+v1\s+true\s+Pod$/m);
    const verbs = await k('api-resources', '--categories=all', '-o', 'name');
    expect(verbs).toContain('statefulsets.apps');
    expect(await k('api-versions')).toContain('resource.k8s.io/v1');
  });

  it('explain of nested fields', async () => {
    const out = await k('explain', 'pod.spec.containers.livenessProbe');
    expect(out).toContain('FIELD: livenessProbe <Probe>');
    expect(out).toContain('initialDelaySeconds');
    expect(out).toContain('Probe describes a health check');
    expect(await k('explain', 'deployment', '--recursive')).toContain('maxSurge');
  });

  it('create, get in every output, describe', async () => {
    await k('create', 'namespace', 'shop');
    await k('create', 'deployment', 'hello', '--image=nginx', '--replicas=2', '-n', 'shop');
    expect(await k('get', 'deploy', '-n', 'shop')).toMatch(/hello\s+0\/2\s+[02]\s+0\s+\d+s/);
    expect(await k('get', 'deploy', '-n', 'shop', '-o', 'wide')).toMatch(/nginx\s+nginx\s+app=hello/);
    expect(await k('get', 'deploy', 'hello', '-n', 'shop', '-o', 'yaml')).toContain('progressDeadlineSeconds: 600');
    const json = JSON.parse(await k('get', 'deploy', 'hello', '-n', 'shop', '-o', 'json')) as {
      spec: { replicas: number };
    };
    expect(json.spec.replicas).toBe(2);
    expect(await k('get', 'deploy', 'hello', '-n', 'shop', '-o', 'jsonpath={.spec.strategy.type}')).toBe(
      'RollingUpdate',
    );
    const columns = await k(
      'get',
      'deploy',
      '-n',
      'shop',
      '-o',
      'custom-columns=NAME:.metadata.name,WANT:.spec.replicas',
    );
    expect(columns).toMatch(/hello\s+2/);
    const described = await k('describe', 'deploy', 'hello', '-n', 'shop');
    expect(described).toContain('StrategyType:           RollingUpdate');
    expect(await k('get', 'all', '-n', 'shop')).toContain('deployment.apps/hello');
    expect(await k('describe', 'namespace', 'shop')).toContain('Status:       Active');
  });

  it('a pod with what admission adds', async () => {
    await k('run', 'solo', '--image=nginx');
    const pod = JSON.parse(await k('get', 'pod', 'solo', '-o', 'json')) as {
      spec: {
        serviceAccountName: string;
        tolerations: { key: string }[];
        volumes: { name: string }[];
        priority: number;
      };
      status: { phase: string; qosClass: string };
    };
    expect(pod.spec.serviceAccountName).toBe('default');
    expect(pod.spec.priority).toBe(0);
    expect(pod.spec.tolerations.map((t) => t.key)).toContain('node.kubernetes.io/not-ready');
    expect(pod.spec.volumes[0]?.name).toMatch(/^kube-api-access-/);
    expect(pod.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(await k('get', 'pods')).toMatch(/solo\s+0\/1\s+Pending\s+0\s+\d+s/);
    expect(await k('describe', 'pod', 'solo')).toContain('kube-api-access-');
  });

  it('edit', async () => {
    await k('create', 'configmap', 'edited', '--from-literal=colour=red');
    const env = {
      PATH: process.env['PATH'],
      HOME: directory.path,
      KUBECONFIG: server.kubeconfig,
      EDITOR: 'sed -i s/red/blue/',
    };
    execFileSync('kubectl', ['edit', 'configmap', 'edited'], { env, stdio: 'pipe' });
    expect(await k('get', 'cm', 'edited', '-o', 'jsonpath={.data.colour}')).toBe('blue');
  });

  it('patch of all types', async () => {
    await withInput(deployment(1), 'create', '-f', '-');
    await k('patch', 'deploy', 'web', '--type=merge', '-p', '{"spec":{"replicas":3}}');
    await k(
      'patch',
      'deploy',
      'web',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/metadata/labels/tier","value":"front"}]',
    );
    const strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}';
    await k('patch', 'deploy', 'web', '-p', strategic);
    const object = JSON.parse(await k('get', 'deploy', 'web', '-o', 'json')) as {
      metadata: { labels: Record<string, string>; generation: number };
      spec: { replicas: number; template: { spec: { containers: { image: string; env: object[] }[] } } };
    };
    expect(object.spec.replicas).toBe(3);
    expect(object.metadata.labels).toEqual({ app: 'web', tier: 'front' });
    expect(object.spec.template.spec.containers).toMatchObject([
      { image: 'nginx:1.27', env: [{ name: 'A', value: '1' }] },
    ]);
    expect(object.metadata.generation).toBe(3);
    const scaled = await k(
      'patch',
      'deploy',
      'web',
      '--subresource=scale',
      '--type=merge',
      '-p',
      '{"spec":{"replicas":5}}',
    );
    expect(scaled).toContain('patched');
    expect(await k('scale', 'deploy', 'web', '--replicas=2')).toContain('scaled');
    expect(await k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
  });

  it('replace, label, annotate', async () => {
    await withInput(deployment(4), 'replace', '-f', '-');
    expect(await k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('4');
    await k('label', 'deploy', 'web', 'team=blue');
    await k('annotate', 'deploy', 'web', 'note=hi there');
    expect(await k('get', 'deploy', '-l', 'team=blue', '-o', 'name')).toBe('deployment.apps/web\n');
    const refused = await kubectl.run(['label', 'deploy', 'web', 'bad=a b']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('a valid label must be an empty string or consist of alphanumeric characters');
    await k('delete', 'deploy', 'web');
  });

  it('apply, client-side, with diff', async () => {
    expect(await withInput(deployment(1), 'apply', '-f', '-')).toContain('created');
    expect(await withInput(deployment(1), 'apply', '-f', '-')).toContain('unchanged');
    expect((await kubectl.run(['diff', '-f', '-'], deployment(1))).code).toBe(0);
    const diff = await kubectl.run(['diff', '-f', '-'], deployment(1, 'nginx:1.28'));
    expect(diff.code).toBe(1);
    expect(diff.stdout).toContain('+      - image: nginx:1.28');
    expect(await withInput(deployment(1, 'nginx:1.28'), 'apply', '-f', '-')).toContain('configured');
    expect(await k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')).toBe(
      'nginx:1.28',
    );
  });

  it('apply, server-side, with a conflict', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {a: "1"}\n';
    await withInput(config, 'apply', '--server-side', '--field-manager=one', '-f', '-');
    const other = config.replace('"1"', '"2"');
    const conflict = await kubectl.run(['apply', '--server-side', '--field-manager=two', '-f', '-'], other);
    expect(conflict.code).toBe(1);
    expect(conflict.stderr).toContain('Apply failed with 1 conflict: conflict with "one"');
    expect(conflict.stderr).toContain('.data.a');
    await withInput(other, 'apply', '--server-side', '--field-manager=two', '--force-conflicts', '-f', '-');
    expect(await k('get', 'cm', 'shared', '-o', 'jsonpath={.data.a}')).toBe('2');
    const fields = await k(
      'get',
      'cm',
      'shared',
      '-o',
      'jsonpath={.metadata.managedFields[*].manager}',
      '--show-managed-fields',
    );
    expect(fields).toContain('two');
    expect(await withInput(deployment(1, 'nginx:1.28'), 'apply', '--server-side', '-f', '-')).toContain(
      'serverside-applied',
    );
  });

  it('strict validation names the unknown field', async () => {
    const bad = deployment(1).replace('replicas:', 'replicaz:');
    const result = await kubectl.run(['create', '-f', '-'], bad);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('strict decoding error: unknown field "spec.replicaz"');
  });

  it('delete with all three propagation policies', async () => {
    const owned = (name: string): Promise<string> =>
      k('get', 'replicasets', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].metadata.ownerReferences}');
    for (const policy of ['background', 'foreground', 'orphan']) {
      const name = `gone-${policy}`;
      await k('create', 'deployment', name, '--image=nginx');
      await vi.waitFor(async () => expect(await owned(name)).toContain('"kind":"Deployment"'), { timeout: 10_000 });
      await k('delete', 'deployment', name, `--cascade=${policy}`);
    }
    const left = (): Promise<string> => k('get', 'replicasets', '-o', 'jsonpath={.items[*].metadata.labels.app}');
    await vi.waitFor(async () => expect((await left()).split(' ').toSorted()).not.toContain('gone-background'), {
      timeout: 10_000,
    });
    expect(await left()).not.toContain('gone-foreground');
    expect(await left()).toContain('gone-orphan');
    expect(await owned('gone-orphan')).toBe('');
  });

  it('wait and get -w', async () => {
    await k('create', 'configmap', 'waited', '--from-literal=state=no');
    const waiting = k('wait', '--for=jsonpath={.data.state}=yes', 'configmap/waited', '--timeout=20s');
    const watch = spawn('kubectl', ['get', 'cm', 'waited', '-w', '-o', 'jsonpath={.data.state}{"\\n"}'], {
      env: { PATH: process.env['PATH'], HOME: directory.path, KUBECONFIG: server.kubeconfig },
    });
    const seen = Promise.withResolvers<void>();
    let text = '';
    let patched: Promise<string> | undefined;
    watch.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('no') && !patched)
        void (patched = k('patch', 'cm', 'waited', '--type=merge', '-p', '{"data":{"state":"yes"}}'));
      if (text.includes('yes')) seen.resolve();
    });
    await seen.promise;
    watch.kill();
    expect(await waiting).toContain('condition met');
    const deleted = k('wait', '--for=delete', 'configmap/waited', '--timeout=20s');
    await k('delete', 'cm', 'waited');
    await deleted;
  });

  it('field selectors, label selectors and chunks', async () => {
    await k('create', 'namespace', 'chunks');
    for (let i = 0; i < 8; i++) await k('create', 'configmap', `chunk-${i}`, '-n', 'chunks', `--from-literal=i=${i}`);
    const names = await k('get', 'cm', '-n', 'chunks', '--chunk-size=3', '-o', 'name');
    expect(names.match(/chunk-/g)).toHaveLength(8);
    expect(await k('get', 'cm', '-n', 'chunks', '--field-selector=metadata.name=chunk-3', '-o', 'name')).toBe(
      'configmap/chunk-3\n',
    );
    expect(await k('get', 'pods', '--field-selector=status.phase=Pending,spec.nodeName=', '-o', 'name')).toContain(
      'pod/solo',
    );
    const refused = await kubectl.run(['get', 'pods', '--field-selector=spec.colour=red']);
    expect(refused.stderr).toContain('field label not supported: spec.colour');
  });

  it('auth can-i and whoami', async () => {
    expect(await k('auth', 'can-i', '--list')).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
    expect(await k('auth', 'can-i', 'create', 'pods')).toBe('yes\n');
    const other = await kubectl.run(['auth', 'can-i', 'create', 'pods', '--as=nobody']);
    expect(other.stdout).toBe('no\n');
    expect(await k('auth', 'whoami')).toContain('kubernetes-admin');
    await k('create', 'role', 'reader', '--verb=get,list', '--resource=pods');
    await k('create', 'rolebinding', 'reader', '--role=reader', '--user=jane');
    expect(await k('auth', 'can-i', 'list', 'pods', '--as=jane')).toBe('yes\n');
    const forbidden = await kubectl.run(['get', 'secrets', '--as=jane']);
    expect(forbidden.stderr).toContain(
      'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
  });

  it('certificate approve', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyFile = join(directory.path, 'jane.key');
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const request = execFileSync('openssl', ['req', '-new', '-key', keyFile, '-subj', '/O=devs/CN=jane']);
    const csr = `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec:
  request: ${request.toString('base64')}
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
`;
    await withInput(csr, 'create', '-f', '-');
    expect(await k('get', 'csr')).toMatch(
      /jane\s+\S+\s+kubernetes\.io\/kube-apiserver-client\s+kubernetes-admin\s+<none>\s+Pending/,
    );
    await k('certificate', 'approve', 'jane');
    expect(await k('get', 'csr')).toMatch(/jane.*Approved/);
  });

  it('create token, and using it', async () => {
    await k('create', 'serviceaccount', 'robot');
    const token = (await k('create', 'token', 'robot')).trim();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
    expect(claims.sub).toBe('system:serviceaccount:default:robot');
    const bare = new Kubectl(join(directory.path, 'none'), directory.path);
    const { server: address, ca } = clusterOf(await k('config', 'view', '--raw', '-o', 'json'));
    const caFile = join(directory.path, 'ca.crt');
    writeFileSync(caFile, Buffer.from(ca, 'base64'));
    const flags = [`--server=${address}`, `--certificate-authority=${caFile}`, `--token=${token}`];
    expect(await bare.must([...flags, 'auth', 'whoami'])).toContain('system:serviceaccount:default:robot');
    expect((await bare.run([...flags, 'get', 'pods'])).stderr).toContain('is forbidden');
  });

  it('config maps and secrets from files', async () => {
    const folder = join(directory.path, 'files');
    mkdirSync(folder);
    writeFileSync(join(folder, 'app.properties'), 'colour=blue\n');
    writeFileSync(join(folder, 'blob.bin'), Buffer.from([0xff, 0xfe, 0x00]));
    await k('create', 'configmap', 'files', `--from-file=${folder}`);
    const map = JSON.parse(await k('get', 'cm', 'files', '-o', 'json')) as Record<string, Record<string, string>>;
    expect(map['data']).toEqual({ 'app.properties': 'colour=blue\n' });
    expect(map['binaryData']).toEqual({ 'blob.bin': '//4A' });
    await k('create', 'secret', 'generic', 'keys', '--from-literal=password=s3cret', `--from-file=${folder}/blob.bin`);
    expect(await k('get', 'secret', 'keys', '-o', 'jsonpath={.data.password}')).toBe('czNjcmV0');
    expect(await k('get', 'secrets')).toMatch(/keys\s+Opaque\s+2\s+\d+s/);
  });

  it('services get addresses', async () => {
    await k('create', 'service', 'clusterip', 'front', '--tcp=80:8080');
    await k('create', 'service', 'nodeport', 'edge', '--tcp=80:8080');
    const services = await k('get', 'svc');
    expect(services).toMatch(/kubernetes\s+ClusterIP\s+10\.96\.0\.1\s+<none>\s+443\/TCP/);
    expect(services).toMatch(/front\s+ClusterIP\s+10\.\d+\.\d+\.\d+\s+<none>\s+80\/TCP/);
    expect(services).toMatch(/edge\s+NodePort\s+10\.\d+\.\d+\.\d+\s+<none>\s+80:3\d{4}\/TCP/);
  });

  it('every listable resource lists as a table', async () => {
    const names = (await k('api-resources', '--verbs=list', '-o', 'name')).trim().split('\n');
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) {
      const { code, stderr } = await kubectl.run(['get', name, '-A']);
      const said = stderr.replace(/^Warning: v1 \w+ is deprecated.*\n/gm, '').replace(/^No resources found\n$/, '');
      expect(`${name}: ${code} ${said}`).toBe(`${name}: 0 `);
    }
  });
});

function clusterOf(config: string): { server: string; ca: string } {
  const parsed = JSON.parse(config) as { clusters: { cluster: Record<string, string> }[] };
  const cluster = parsed.clusters[0]?.cluster ?? {};
  return { server: cluster['server'] ?? '', ca: cluster['certificate-authority-data'] ?? '' };
}
