/** The behaviours of the conformance list that are asked for through kubectl. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Kubectl, kubectlVersion } from '../harness/kubectl.ts';
import { covers, coversPart, useNodes } from './covers.ts';
import type { Cluster, Draft, Obj } from './cluster.ts';
import { isReady, podStatus, readyPods } from './pods.ts';
import { becomes } from './waiting.ts';

const version = kubectlVersion();
if (version === undefined) process.stdout.write('no kubectl 1.27 or newer on this machine: its tests are skipped\n');

/** Of the primary's pods. */
const selector = 'app=agnhost,role=primary';

const controller = `
apiVersion: v1
kind: ReplicationController
metadata: {name: primary, labels: {app: agnhost, role: primary}}
spec:
  replicas: 1
  selector: {app: agnhost, role: primary}
  template:
    metadata: {labels: {app: agnhost, role: primary}}
    spec:
      containers:
      - {name: primary, image: agnhost:2, ports: [{name: server, containerPort: 6379}]}
`;

const deployment = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: httpd}
spec:
  replicas: 1
  selector: {matchLabels: {app: httpd}}
  template:
    metadata: {labels: {app: httpd}}
    spec: {containers: [{name: httpd, image: "${image}"}]}
`;

describe.skipIf(version === undefined)('kubectl', () => {
  let home: string;
  useNodes(2);
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'kubets-kubectl-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const kubectl = (cluster: Cluster): Kubectl => new Kubectl(cluster.kubeconfig, home);

  covers(
    '[sig-cli] Kubectl client Kubectl api-versions should check if v1 is in available api versions',
    async (cluster) => {
      expect(await kubectl(cluster).must(['api-versions'])).toMatch(/^v1$/m);
    },
  );

  covers('[sig-cli] Kubectl client Kubectl version should check is all data is printed', async (cluster) => {
    const out = await kubectl(cluster).must(['version', '-o', 'json']);
    const { serverVersion } = JSON.parse(out) as { serverVersion: Record<string, string> };
    for (const field of ['major', 'minor', 'gitVersion', 'goVersion']) expect(serverVersion[field], field).toBeTruthy();
    for (const field of ['gitCommit', 'gitTreeState', 'buildDate', 'compiler'])
      expect(serverVersion).toHaveProperty(field);
    expect(serverVersion['platform']).toMatch(/^\w+\/\w+$/);
  });

  covers(
    '[sig-cli] Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info',
    async (cluster) => {
      expect(await kubectl(cluster).must(['cluster-info'])).toMatch(
        /Kubernetes control plane.*is running at.*https:\/\//,
      );
    },
  );

  covers(
    '[sig-cli] Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments',
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      await k.must(['create', '-n', namespace, '-f', '-'], deployment('httpd:2.4.38'));
      const { code, stdout } = await k.run(['diff', '-n', namespace, '-f', '-'], deployment('busybox:1'));
      expect(code).toBe(1);
      expect(stdout).toMatch(/^-\s+- image: httpd:2\.4\.38$/m);
      expect(stdout).toMatch(/^\+\s+- image: busybox:1$/m);
    },
  );

  covers('[sig-cli] Kubectl client Kubectl expose should create services for rc', async (cluster) => {
    const k = kubectl(cluster);
    const namespace = await cluster.namespace();
    await k.must(['create', '-n', namespace, '-f', '-'], controller);
    const [primary] = await readyPods(cluster.of('v1/pods', namespace), selector, 1);
    const { podIP } = podStatus(primary!);
    const subsetsOf = (object: Obj): readonly { addresses?: Draft[]; ports?: Draft[] }[] =>
      (object['subsets'] ?? []) as { addresses?: Draft[]; ports?: Draft[] }[];
    await k.must(['expose', 'rc', 'primary', '-n', namespace, '--name=rm2', '--port=1234', '--target-port=6379']);
    await k.must(['expose', 'service', 'rm2', '-n', namespace, '--name=rm3', '--port=2345', '--target-port=6379']);
    const services = cluster.of('v1/services', namespace);
    for (const [name, port] of [
      ['rm2', 1234],
      ['rm3', 2345],
    ] as const) {
      const own = { app: 'agnhost', role: 'primary' };
      const service = { spec: { selector: own, ports: [{ port, targetPort: 6379 }] } };
      expect(await services.get(name)).toMatchObject(service);
      const endpoints = cluster.of('v1/endpoints', namespace);
      const filled = await becomes(endpoints, name, (object) => subsetsOf(object)[0]?.addresses !== undefined);
      expect(subsetsOf(filled)).toMatchObject([{ addresses: [{ ip: podIP }], ports: [{ port: 6379 }] }]);
    }
  });

  covers(
    '[sig-cli] Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods',
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      await k.must(['create', '-n', namespace, '-f', '-'], controller);
      const [primary] = await readyPods(cluster.of('v1/pods', namespace), selector, 1);
      const { name } = primary!.metadata;
      await becomes(
        cluster.of('v1/replicationcontrollers', namespace),
        'primary',
        ({ status }) => (status as { replicas: number }).replicas === 1,
      );
      await k.must(['expose', 'rc', 'primary', '-n', namespace, '--name=primary', '--port=6379']);
      const rc = await k.must(['describe', 'rc', 'primary', '-n', namespace]);
      for (const line of [
        /^Name:\s+primary$/m,
        /^Selector:\s+app=agnhost,role=primary$/m,
        /^Replicas:\s+1 current \/ 1 desired$/m,
        /^\s+Image:\s+agnhost:2$/m,
        /^Pods Status:\s+1 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m,
        /SuccessfulCreate .*Created pod: primary-/,
      ]) {
        expect(rc).toMatch(line);
      }
      const pod = await k.must(['describe', 'pod', name, '-n', namespace]);
      for (const line of [
        /^Name:\s+primary-/m,
        /^Labels:\s+app=agnhost$/m,
        /^Status:\s+Running$/m,
        /^Node:\s+\S+\/\d+\.\d+\.\d+\.\d+$/m,
        /^Controlled By:\s+ReplicationController\/primary$/m,
        /^\s+State:\s+Running$/m,
        /^\s+Image:\s+agnhost:2$/m,
      ]) {
        expect(pod).toMatch(line);
      }
      const service = await k.must(['describe', 'service', 'primary', '-n', namespace]);
      expect(service).toMatch(/^Selector:\s+app=agnhost,role=primary$/m);
      expect(service).toMatch(/^Endpoints:\s+\d+\.\d+\.\d+\.\d+:6379$/m);
      const [node] = (await cluster.of('v1/nodes').list()).items;
      const described = await k.must(['describe', 'node', node!.metadata.name]);
      for (const word of ['Name:', 'Labels:', 'CreationTimestamp:', 'Conditions:', 'Capacity:', 'Non-terminated Pods:'])
        expect(described).toContain(word);
      const space = await k.must(['describe', 'namespace', namespace]);
      expect(space).toMatch(/^Status:\s+Active$/m);
    },
  );

  covers('[sig-cli] Kubectl client Kubectl label should update the label on a resource', async (cluster) => {
    const k = kubectl(cluster);
    const namespace = await cluster.namespace();
    await k.must(['run', 'pause', '-n', namespace, '--image=pause:3']);
    await becomes(cluster.of('v1/pods', namespace), 'pause', isReady);
    const label = (): Promise<string> =>
      k.must(['get', 'pod', 'pause', '-n', namespace, '-L', 'testing-label', '--no-headers']);
    await k.must(['label', 'pods', 'pause', '-n', namespace, 'testing-label=testing-label-value']);
    expect(await label()).toContain('testing-label-value');
    await k.must(['label', 'pods', 'pause', '-n', namespace, 'testing-label-']);
    expect(await label()).not.toContain('testing-label-value');
  });

  covers('[sig-cli] Kubectl client Kubectl patch should add annotations for pods in rc', async (cluster) => {
    const k = kubectl(cluster);
    const namespace = await cluster.namespace();
    await k.must(['create', '-n', namespace, '-f', '-'], controller);
    const pods = cluster.of('v1/pods', namespace);
    for (const { metadata } of await readyPods(pods, selector, 1)) {
      await k.must(['patch', 'pod', metadata.name, '-n', namespace, '-p', '{"metadata":{"annotations":{"x":"y"}}}']);
      expect((await pods.get(metadata.name)).metadata.annotations).toMatchObject({ x: 'y' });
    }
  });

  covers("[sig-cli] Kubectl client Kubectl replace should update a single-container pod's image", async (cluster) => {
    const k = kubectl(cluster);
    const namespace = await cluster.namespace();
    await k.must(['run', 'p', '-n', namespace, '--image=httpd:2.4.38', '--labels=run=p']);
    await becomes(cluster.of('v1/pods', namespace), 'p', isReady);
    const json = await k.must(['get', 'pod', 'p', '-n', namespace, '-o', 'json']);
    await k.must(['replace', '-n', namespace, '-f', '-'], json.replaceAll('httpd:2.4.38', 'busybox:1'));
    const pod = await cluster.of('v1/pods', namespace).get('p');
    expect(pod['spec']).toMatchObject({ containers: [{ image: 'busybox:1' }] });
  });

  covers(
    '[sig-cli] Kubectl client Kubectl run pod should create a pod from an image when restart is Never',
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      await k.must(['run', 'p', '-n', namespace, '--restart=Never', '--image=httpd:2.4.38']);
      const pod = await cluster.of('v1/pods', namespace).get('p');
      expect(pod['spec']).toMatchObject({ restartPolicy: 'Never', containers: [{ image: 'httpd:2.4.38' }] });
      await k.must(['delete', 'pod', 'p', '-n', namespace]);
    },
  );

  covers(
    '[sig-cli] Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods',
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      await k.must(['run', 'p', '-n', namespace, '--image=httpd:2.4.38', '--labels=run=p']);
      await becomes(cluster.of('v1/pods', namespace), 'p', isReady);
      const patch = '{"spec":{"containers":[{"name":"p","image":"busybox:1"}]}}';
      await k.must(['patch', 'pod', 'p', '-n', namespace, '-p', patch, '--dry-run=server']);
      const pod = await cluster.of('v1/pods', namespace).get('p');
      expect(pod['spec']).toMatchObject({ containers: [{ image: 'httpd:2.4.38' }] });
    },
  );

  const fetching = 'fetching what the pods serve';
  const phases = async (k: Kubectl, namespace: string): Promise<string> =>
    await k.must(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'jsonpath={.items[*].status.phase}']);

  coversPart(
    '[sig-cli] Kubectl client Update Demo should scale a replication controller',
    fetching,
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      const pods = cluster.of('v1/pods', namespace);
      await k.must(['create', '-n', namespace, '-f', '-'], controller);
      await readyPods(pods, selector, 1);
      for (const replicas of [2, 1, 2]) {
        await k.must(['scale', 'rc', 'primary', '-n', namespace, `--replicas=${replicas}`, '--timeout=5m']);
        await readyPods(pods, selector, replicas);
        expect(await phases(k, namespace)).toBe(Array.from({ length: replicas }, () => 'Running').join(' '));
      }
      await k.must(['delete', '--grace-period=0', '--force', '-n', namespace, 'rc', 'primary']);
    },
  );

  coversPart(
    '[sig-cli] Kubectl client Update Demo should create and stop a replication controller',
    fetching,
    async (cluster) => {
      const k = kubectl(cluster);
      const namespace = await cluster.namespace();
      await k.must(['create', '-n', namespace, '-f', '-'], controller.replace('replicas: 1', 'replicas: 2'));
      await readyPods(cluster.of('v1/pods', namespace), selector, 2);
      expect(await phases(k, namespace)).toBe('Running Running');
      await k.must(['delete', '--grace-period=0', '--force', '-n', namespace, '-f', '-'], controller);
      await readyPods(cluster.of('v1/pods', namespace), selector, 0);
      expect(await k.must(['get', 'rc,svc', '-l', 'app=agnhost', '--no-headers', '-n', namespace])).toBe('');
    },
  );

  /** Starts `kubectl proxy`, and resolves to the line that says where it listens. */
  async function proxy(cluster: Cluster, flag: string): Promise<{ line: string } & Disposable> {
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: cluster.kubeconfig };
    const child = spawn('kubectl', ['proxy', flag], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('exit', (code) => reject(new Error(`kubectl proxy ended with ${code}`)));
    });
    return { line, [Symbol.dispose]: () => child.kill() };
  }

  covers('[sig-cli] Kubectl client Proxy server should support proxy with --port 0', async (cluster) => {
    using started = await proxy(cluster, '--port=0');
    const address = /127\.0\.0\.1:\d+/.exec(started.line)?.[0];
    const answer = (await (await fetch(`http://${address}/api/`)).json()) as { versions: string[] };
    expect(answer.versions).toEqual(['v1']);
  });

  covers('[sig-cli] Kubectl client Proxy server should support --unix-socket=/path', async (cluster) => {
    const socketPath = join(home, 'proxy.sock');
    using _started = await proxy(cluster, `--unix-socket=${socketPath}`);
    const text = await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, path: '/api/', headers: { host: 'localhost' } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(body));
      });
      sent.once('error', reject);
      sent.end();
    });
    expect((JSON.parse(text) as { versions: string[] }).versions).toEqual(['v1']);
  });
});
