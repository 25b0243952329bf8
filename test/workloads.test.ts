/**
 * kubectl at work on a whole control plane with five simulated nodes: what it shows is what upstream's would show.
 * Each `it` has a namespace of its own; those that touch nodes put them back.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kubectl, kubectlVersion } from './harness/kubectl.ts';
import { KubetsProcess, temporaryDirectory } from './harness/kubets-process.ts';

const stack = new AsyncDisposableStack();
let kubectl: Kubectl;

/** Runs in a namespace; `kubectl('get', 'pods')`. Throws unless it exits 0. */
type Run = (...args: string[]) => Promise<string>;

async function namespace(name: string): Promise<Run> {
  await kubectl.must(['create', 'namespace', name]);
  return (...args) => kubectl.must(['-n', name, ...args]);
}

/** Resolves to what `look` says once it says what is wanted; fails with what it says last. */
async function eventually<T>(look: () => Promise<T>, wanted: T | ((seen: T) => boolean), seconds = 20): Promise<T> {
  const end = performance.now() + seconds * 1000;
  const holds = (seen: T): boolean =>
    typeof wanted === 'function'
      ? (wanted as (seen: T) => boolean)(seen)
      : JSON.stringify(seen) === JSON.stringify(wanted);
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > end) {
      const expected = typeof wanted === 'function' ? wanted.toString() : JSON.stringify(wanted);
      throw new Error(`not within ${seconds} s: ${expected}\nseen last: ${JSON.stringify(seen)}`);
    }
    await sleep(100);
  }
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
/** Columns of a table without its header. */
const columns = (text: string): string[][] => lines(text).map((line) => line.trim().split(/ {2,}/));
const podPhases =
  (run: Run, ...selector: string[]) =>
  async (): Promise<string[]> =>
    columns(await run('get', 'pods', '--no-headers', ...selector))
      .map((fields) => fields[2] ?? '')
      .toSorted();
const times = (count: number, text: string): string[] => Array.from({ length: count }, () => text);

const apply = (name: string, ...manifests: object[]): Promise<string> =>
  kubectl.must(['-n', name, 'apply', '-f', '-'], manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));

const template = (app: string, container: object = {}, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'nginx', ...container }], ...spec },
});
const selecting = (app: string, container: object = {}, spec: object = {}) => ({
  selector: { matchLabels: { app } },
  template: template(app, container, spec),
});
const cpu = (requests: string) => ({ resources: { requests: { cpu: requests } } });

describe.skipIf(kubectlVersion() === undefined)('kubectl on simulated nodes', () => {
  beforeAll(async () => {
    const directory = stack.use(await temporaryDirectory());
    const server = stack.use(await KubetsProcess.start(join(directory.path, 'data'), ['--simulate-nodes', '5']));
    kubectl = new Kubectl(server.kubeconfig, directory.path);
    await eventually(
      async () => columns(await kubectl.must(['get', 'nodes', '--no-headers'])).map((fields) => fields[1]),
      times(5, 'Ready'),
    );
  });
  afterAll(() => stack.disposeAsync());

  it('nodes are visibly simulated', async () => {
    const [first] = columns(await kubectl.must(['get', 'nodes', '--no-headers']));
    expect(first).toEqual(['sim-0', 'Ready', '<none>', expect.any(String), 'v1.36.2-kubets-sim']);
    const described = await kubectl.must(['describe', 'node', 'sim-0']);
    expect(described).toContain('kubets.dev/simulated=true');
    expect(described).toMatch(/Taints: +kubets\.dev\/simulated:PreferNoSchedule/);
  });

  it('deployment: create, scale, set image, history, undo, pause, resume', async () => {
    const run = await namespace('deployments');
    expect(await run('create', 'deployment', 'web', '--image=nginx:1', '--replicas=3')).toBe(
      'deployment.apps/web created\n',
    );
    expect(await run('rollout', 'status', 'deployment/web', '--timeout=30s')).toMatch(
      /deployment "web" successfully rolled out\n$/,
    );
    expect(columns(await run('get', 'deployment', 'web', '--no-headers'))[0]?.slice(0, 4)).toEqual([
      'web',
      '3/3',
      '3',
      '3',
    ]);
    expect(await run('scale', 'deployment', 'web', '--replicas=6')).toBe('deployment.apps/web scaled\n');
    await eventually(podPhases(run), times(6, 'Running'));
    expect(await run('describe', 'deployment', 'web')).toMatch(
      /ScalingReplicaSet +\d+s +deployment-controller +Scaled up replica set web-\w+ from 3 to 6/,
    );

    expect(await run('set', 'image', 'deployment/web', 'nginx=nginx:2')).toBe('deployment.apps/web image updated\n');
    await run('annotate', 'deployment/web', 'kubernetes.io/change-cause=second image');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[0].image}')).toContain('nginx:2');
    const history = async () =>
      columns(await run('rollout', 'history', 'deployment/web'))
        .slice(2)
        .map((fields) => fields.join(' '));
    expect(await eventually(history, ['1 <none>', '2 second image'])).toHaveLength(2);
    expect(await run('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await run('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')).toBe(
      'nginx:1',
    );
    await eventually(history, ['2 second image', '3 <none>']);

    expect(await run('rollout', 'pause', 'deployment/web')).toBe('deployment.apps/web paused\n');
    await run('set', 'image', 'deployment/web', 'nginx=nginx:3');
    await sleep(500);
    expect(await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[0].image}')).not.toContain('nginx:3');
    expect(await run('rollout', 'resume', 'deployment/web')).toBe('deployment.apps/web resumed\n');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    const images = () => run('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[0].image}');
    await eventually(images, times(6, 'nginx:3').join(' '));
  });

  it('a rollout to an image that does not exist stops half-way, and is undone', async () => {
    const run = await namespace('broken');
    await run('create', 'deployment', 'web', '--image=nginx:1', '--replicas=4');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    await run('set', 'image', 'deployment/web', 'nginx=nginx:missing');
    await eventually(podPhases(run), [...times(2, 'ErrImagePull'), ...times(3, 'Running')]);
    const status = await kubectl.run(['-n', 'broken', 'rollout', 'status', 'deployment/web', '--timeout=1s']);
    expect(status.code).toBe(1);
    expect(`${status.stdout}${status.stderr}`).toContain(
      'Waiting for deployment "web" rollout to finish: 2 out of 4 new replicas have been updated',
    );
    await run('rollout', 'undo', 'deployment/web');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    await eventually(podPhases(run), times(4, 'Running'));
  });

  it('a service has the addresses of the pods behind it', async () => {
    const run = await namespace('services');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=3');
    expect(await run('expose', 'deployment', 'web', '--port=80', '--target-port=8080')).toBe('service/web exposed\n');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    const podIPs = (await run('get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ').toSorted();
    const slices = async () => {
      const path = '{.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]}';
      return (await run('get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', `jsonpath=${path}`))
        .split(' ')
        .toSorted();
    };
    await eventually(slices, podIPs);
    expect(columns(await run('get', 'endpoints', 'web', '--no-headers'))[0]?.[1]).toMatch(/^10\.244\.[\d.]+:8080,/);
    await run('scale', 'deployment', 'web', '--replicas=1');
    await eventually(slices, (seen) => seen.length === 1);
  });

  it('an autoscaler keeps to its limits even without metrics', async () => {
    const run = await namespace('autoscaling');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=6');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await run('autoscale', 'deployment', 'web', '--min=2', '--max=4', '--cpu-percent=50')).toBe(
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    );
    const replicas = async () => run('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}');
    await eventually(replicas, '4', 30);
    expect(await run('get', 'hpa', 'web', '--no-headers')).toMatch(/Deployment\/web +cpu: <unknown>\/50% +2 +4 /);
  });

  it('job: runs to its end; cronjob: starts one by the clock, or by hand', async () => {
    const run = await namespace('jobs');
    expect(await run('create', 'cronjob', 'tick', '--image=busybox', '--schedule=* * * * *', '--', 'date')).toBe(
      'cronjob.batch/tick created\n',
    );
    expect(await run('create', 'job', 'once', '--image=busybox', '--', 'true')).toBe('job.batch/once created\n');
    expect(await run('wait', '--for=condition=complete', 'job/once', '--timeout=30s')).toBe(
      'job.batch/once condition met\n',
    );
    expect(columns(await run('get', 'job', 'once', '--no-headers'))[0]?.slice(0, 3)).toEqual([
      'once',
      'Complete',
      '1/1',
    ]);
    await run('create', 'job', 'by-hand', '--from=cronjob/tick');
    await run('wait', '--for=condition=complete', 'job/by-hand', '--timeout=30s');
    const template6 = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } };
    await apply('jobs', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'many' },
      spec: { completions: 6, parallelism: 3, completionMode: 'Indexed', template: template6 },
    });
    await run('wait', '--for=condition=complete', 'job/many', '--timeout=30s');
    expect(await run('get', 'job', 'many', '-o', 'jsonpath={.status.succeeded} {.status.completedIndexes}')).toBe(
      '6 0-5',
    );
    const failing = { ...template6, metadata: { annotations: { 'stages.kubets.dev/exitCodes': '1' } } };
    await apply('jobs', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'fails' },
      spec: { backoffLimit: 0, template: failing },
    });
    await run('wait', '--for=condition=failed', 'job/fails', '--timeout=30s');
    const reason = '{.status.conditions[?(@.type=="Failed")].reason}';
    expect(await run('get', 'job', 'fails', '-o', `jsonpath=${reason}`)).toBe('BackoffLimitExceeded');
    const ticked = async () => (await run('get', 'jobs', '-o', 'name')).includes('job.batch/tick-');
    await eventually(ticked, true, 70);
  });

  it('statefulset: one after the other, up and down, a rolling update from the end', async () => {
    const run = await namespace('statefulsets');
    await apply('statefulsets', {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db' },
      spec: { replicas: 3, serviceName: 'db', ...selecting('db', { image: 'db:1' }) },
    });
    expect(await run('rollout', 'status', 'statefulset/db', '--timeout=30s')).toContain(
      'partitioned roll out complete: 3 new pods have been updated',
    );
    const pods = async () =>
      run('get', 'pods', '--sort-by=.metadata.creationTimestamp', '-o', 'jsonpath={.items[*].metadata.name}');
    expect(await pods()).toBe('db-0 db-1 db-2');
    await run('set', 'image', 'statefulset/db', 'c=db:2');
    await run('rollout', 'status', 'statefulset/db', '--timeout=30s');
    expect(await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[0].image}')).toBe('db:2 db:2 db:2');
    await run('scale', 'statefulset', 'db', '--replicas=1');
    await eventually(pods, 'db-0');
  });

  it('daemonset: one pod on every node', async () => {
    const run = await namespace('daemonsets');
    await apply('daemonsets', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent' },
      spec: selecting('agent', { image: 'agent:1' }),
    });
    expect(await run('rollout', 'status', 'daemonset/agent', '--timeout=30s')).toContain('successfully rolled out');
    expect(columns(await run('get', 'daemonset', 'agent', '--no-headers'))[0]?.slice(1, 6)).toEqual(times(5, '5'));
    const nodes = (await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ').toSorted();
    expect(nodes).toEqual(['sim-0', 'sim-1', 'sim-2', 'sim-3', 'sim-4']);
    await run('set', 'image', 'daemonset/agent', 'c=agent:2');
    await run('rollout', 'status', 'daemonset/agent', '--timeout=30s');
    expect(await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[0].image}')).toBe(
      times(5, 'agent:2').join(' '),
    );
  });

  it('cordon, drain that heeds a disruption budget, uncordon', async () => {
    const run = await namespace('drains');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=5');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await run('create', 'pdb', 'web', '--selector=app=web', '--min-available=4')).toBe(
      'poddisruptionbudget.policy/web created\n',
    );
    const allowed = () => run('get', 'pdb', 'web', '-o', 'jsonpath={.status.disruptionsAllowed}');
    await eventually(allowed, '1');
    const [node = ''] = (await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ');
    expect(await kubectl.must(['cordon', node])).toBe(`node/${node} cordoned\n`);
    expect(await kubectl.must(['get', 'node', node, '--no-headers'])).toContain('Ready,SchedulingDisabled');
    const drained = await kubectl.must([
      'drain',
      node,
      '--ignore-daemonsets',
      '--pod-selector=app=web',
      '--timeout=60s',
    ]);
    expect(drained).toContain('evicting pod drains/web-');
    expect(drained).toContain(`node/${node} drained`);
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).not.toContain(node);
    await run('patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":5}}');
    await eventually(allowed, '0');
    const [other = ''] = (await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ');
    const refused = await kubectl.run([
      'drain',
      other,
      '--ignore-daemonsets',
      '--pod-selector=app=web',
      '--timeout=2s',
    ]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    for (const name of [node, other]) expect(await kubectl.must(['uncordon', name])).toBe(`node/${name} uncordoned\n`);
  });

  it('a NoExecute taint drives out what does not tolerate it', async () => {
    const run = await namespace('taints');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=5');
    await run('rollout', 'status', 'deployment/web', '--timeout=30s');
    const [node = ''] = (await run('get', 'pods', '-o', 'jsonpath={.items[*].spec.nodeName}')).split(' ');
    expect(await kubectl.must(['taint', 'node', node, 'dedicated=db:NoExecute'])).toBe(`node/${node} tainted\n`);
    const placed = async () =>
      (await run('get', 'pods', '--field-selector=status.phase=Running', '-o', 'jsonpath={.items[*].spec.nodeName}'))
        .split(' ')
        .filter((name) => name !== '');
    await eventually(placed, (seen) => seen.length === 5 && !seen.includes(node));
    expect(await kubectl.must(['taint', 'node', node, 'dedicated-'])).toBe(`node/${node} untainted\n`);
  });

  it('a namespace waits for finalizers, and says so', async () => {
    const run = await namespace('finalizers');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=2');
    await apply('finalizers', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'held', finalizers: ['example.com/hold'] },
    });
    await kubectl.must(['delete', 'namespace', 'finalizers', '--wait=false']);
    const path = '{.status.conditions[?(@.type=="NamespaceFinalizersRemaining")].message}';
    const condition = () => kubectl.must(['get', 'namespace', 'finalizers', '-o', `jsonpath=${path}`]);
    await eventually(
      condition,
      'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    );
    expect(await kubectl.must(['get', 'namespace', 'finalizers', '--no-headers'])).toMatch(/^finalizers +Terminating /);
    await eventually(async () => run('get', 'pods', '-o', 'name'), '');
    await run('patch', 'configmap', 'held', '-p', '{"metadata":{"finalizers":null}}');
    await kubectl.must(['wait', '--for=delete', 'namespace/finalizers', '--timeout=30s']);
  });

  it('a quota stops what exceeds it, and says so', async () => {
    const run = await namespace('quotas');
    await run('create', 'quota', 'few', '--hard=pods=2');
    await eventually(() => run('get', 'quota', 'few', '-o', 'jsonpath={.status.used.pods}'), '0');
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=3');
    await eventually(podPhases(run), times(2, 'Running'));
    await eventually(() => run('get', 'quota', 'few', '-o', 'jsonpath={.status.used.pods}'), '2');
    const refused = await kubectl.run(['-n', 'quotas', 'run', 'more', '--image=nginx']);
    expect(refused.stderr).toBe(
      'Error from server (Forbidden): pods "more" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2\n',
    );
    const message = '{.items[0].status.conditions[?(@.type=="ReplicaFailure")].message}';
    await eventually(
      () => run('get', 'replicasets', '-o', `jsonpath=${message}`),
      (seen) => seen.includes('exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2'),
    );
    await run('patch', 'quota', 'few', '-p', '{"spec":{"hard":{"pods":"5"}}}');
    await eventually(podPhases(run), times(3, 'Running'), 60);
  });

  it('what cannot be placed says why; what is more important makes room', async () => {
    const run = await namespace('priorities');
    await kubectl.must(['create', 'priorityclass', 'important', '--value=1000']);
    await apply('priorities', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'low' },
      spec: { replicas: 5, ...selecting('low', cpu('3'), { terminationGracePeriodSeconds: 1 }) },
    });
    await run('rollout', 'status', 'deployment/low', '--timeout=30s');
    const pod = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'c', image: 'nginx', ...cpu('3') }], ...spec },
    });
    await apply('priorities', pod('waits', {}));
    const why = '{.status.conditions[?(@.type=="PodScheduled")].message}';
    await eventually(
      () => run('get', 'pod', 'waits', '-o', `jsonpath=${why}`),
      (seen) =>
        /^0\/5 nodes are available: 5 Insufficient cpu\. no new claims to deallocate, preemption: 0\/5 nodes are available: 5 No preemption victims found for incoming pod\.$/.test(
          seen,
        ),
    );
    await apply('priorities', pod('urgent', { priorityClassName: 'important' }));
    await run('wait', '--for=condition=ready', 'pod/urgent', '--timeout=30s');
    await eventually(podPhases(run, '-l', 'app=low'), [...times(4, 'Running'), ...times(1, 'Pending')].toSorted());
    const events = await run('get', 'events', '--field-selector=reason=Preempted', '--no-headers');
    expect(lines(events)).toHaveLength(1);
    expect(events).toMatch(/Preempted +pod\/low-\S+ +Preempted by pod \S+ on node sim-\d/);
    const scheduling = await run('describe', 'pod', 'waits');
    expect(scheduling).toMatch(
      /Warning +FailedScheduling +\S+ +default-scheduler +0\/5 nodes are available: 5 Insufficient cpu/,
    );
  });
});
