import { describe, expect, it } from 'vitest';
import { gatesWith, put, texts, validPod } from '@kubets/api/core/validation/testing/pods';
import type { DaemonSet, Deployment, StatefulSet } from '@kubets/api/types/apps-v1';
import type { Job } from '@kubets/api/types/batch-v1';
import type { Pod, PodTemplateSpec } from '@kubets/api/types/core-v1';
import type { ApiObject } from '@kubets/apimachinery/meta';
import type { Strategy, StrategyContext, UpdateStrategy } from './strategy.ts';
import { workloadStrategies } from './workload-strategies.ts';

const context: StrategyContext = {
  user: { name: 'u', groups: [] },
  namespace: 'default',
  now: '2026-01-01T00:00:00Z',
  dryRun: false,
  featureEnabled: gatesWith(),
};

const strategy = (key: string): Strategy => workloadStrategies[key] as Strategy;
const pods = strategy('/pods');
const subresource = (name: string): UpdateStrategy => pods.subresources[name] as UpdateStrategy;

function created<T extends ApiObject>(key: string, object: T): T {
  strategy(key).prepareForCreate(context, object);
  return object;
}

function storedPod(): Pod {
  const pod = created('/pods', validPod());
  put(pod, 'spec.nodeName', 'n1');
  return pod;
}

const template = (): PodTemplateSpec => ({ metadata: { labels: { app: 'web' } }, spec: validPod().spec });

const deployment = (): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: template(),
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  },
  status: { replicas: 7 },
});

describe('creating a pod', () => {
  it('starts its status anew', () => {
    const pod = created('/pods', put(validPod(), 'status', { phase: 'Running', podIP: '10.0.0.1' }));
    expect(pod.metadata.generation).toBe(1);
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
    expect(texts(pods.validate(context, pod))).toEqual([]);
  });

  it('says that its scheduling is gated', () => {
    const pod = created('/pods', put(validPod(), 'spec.schedulingGates', [{ name: 'a.b/c' }]));
    expect(pod.status?.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', lastTransitionTime: context.now },
    ]);
  });

  it('merges matchLabelKeys into the selectors of affinity terms', () => {
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } }, matchLabelKeys: ['app', 'none'] };
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const pod = created('/pods', put(validPod(), 'spec.affinity', affinity));
    const [merged] = pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    expect(merged?.labelSelector?.matchExpressions).toEqual([{ key: 'app', operator: 'In', values: ['web'] }]);
    expect(texts(pods.validate(context, pod))).toEqual([]);
  });

  it('makes fields of AppArmor annotations, and warns of them', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/app';
    const pod = created('/pods', put(validPod(), 'metadata.annotations', { [key]: 'localhost/own' }));
    expect(pod.spec?.containers[0]?.securityContext?.appArmorProfile).toEqual({
      type: 'Localhost',
      localhostProfile: 'own',
    });
    expect(pods.warningsOnCreate?.(context, pod)).toContain(
      `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    );
  });

  it('drops fields whose gates are off', () => {
    const off: StrategyContext = { ...context, featureEnabled: gatesWith('-PodLevelResources') };
    const pod = put(validPod(), 'spec.resources', { limits: { cpu: '1' } });
    pods.prepareForCreate(off, pod);
    expect(pod.spec?.resources).toBeUndefined();
  });
});

describe('deleting a pod', () => {
  const grace = (pod: ApiObject, gracePeriodSeconds?: number): number | null | undefined => {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    expect(pods.checkGracefulDelete?.(context, pod, options)).toBe(true);
    return (options as { gracePeriodSeconds?: number }).gracePeriodSeconds;
  };

  it('waits as long as the pod or the client says', () => {
    expect(grace(storedPod())).toBe(30);
    expect(grace(storedPod(), 5)).toBe(5);
    expect(grace(storedPod(), 0)).toBe(0);
    expect(grace(storedPod(), -1)).toBe(1);
  });

  it('does not wait when there is nothing to stop', () => {
    expect(grace(created('/pods', validPod()))).toBe(0);
    expect(grace(put(storedPod(), 'status.phase', 'Failed'), 30)).toBe(0);
    expect(grace(put(storedPod(), 'status.phase', 'Succeeded'), 30)).toBe(0);
  });
});

describe('endpoints of a pod', () => {
  it('has selectable fields', () => {
    const fields = pods.selectableFields?.(storedPod()) ?? {};
    expect(Object.keys(fields)).toEqual(pods.selectableFieldNames);
    expect(fields).toMatchObject({ 'spec.nodeName': 'n1', 'status.phase': 'Pending', 'spec.hostNetwork': 'false' });
  });

  it('keeps the status on an update, and counts a change of the spec', () => {
    const old = storedPod();
    const pod = structuredClone(old);
    put(pod, 'status.phase', 'Failed');
    put(pod, 'spec.containers.0.image', 'other:v2');
    pods.prepareForUpdate(context, pod, old);
    expect(pod.status).toEqual(old.status);
    expect(pod.metadata.generation).toBe(2);
    expect(texts(pods.validateUpdate(context, pod, old))).toEqual([]);
  });

  it('takes only the status on the status endpoint', () => {
    const old = put(storedPod(), 'status.observedGeneration', 1);
    const pod = structuredClone(old);
    put(pod, 'spec.nodeName', 'n2');
    put(pod, 'status', { phase: 'Running' });
    subresource('status').prepareForUpdate(context, pod, old);
    expect(pod.spec?.nodeName).toBe('n1');
    expect(pod.status).toEqual({ observedGeneration: 1, phase: 'Running', qosClass: 'Burstable' });
    expect(texts(subresource('status').validateUpdate(context, pod, old))).toEqual([]);
  });

  it('takes only ephemeral containers on their endpoint', () => {
    const old = storedPod();
    const pod = structuredClone(old);
    const debug = {
      name: 'debug',
      image: 'busybox',
      imagePullPolicy: 'Always',
      terminationMessagePolicy: 'File',
    };
    put(pod, 'spec.ephemeralContainers', [debug]);
    put(pod, 'spec.nodeName', 'n2');
    put(pod, 'metadata.labels', { x: 'y' });
    subresource('ephemeralcontainers').prepareForUpdate(context, pod, old);
    expect(pod.spec).toEqual({ ...old.spec, ephemeralContainers: [debug] });
    expect(pod.metadata).toEqual({ ...old.metadata, generation: 2 });
    expect(texts(subresource('ephemeralcontainers').validateUpdate(context, pod, old))).toEqual([]);
  });

  it('takes only resources on resize', () => {
    const old = storedPod();
    const pod = structuredClone(old);
    put(pod, 'spec.containers.0.resources.requests.cpu', '600m');
    put(pod, 'spec.containers.0.image', 'other');
    subresource('resize').prepareForUpdate(context, pod, old);
    expect(pod.spec?.containers[0]?.image).toBe(old.spec?.containers[0]?.image);
    expect(pod.spec?.containers[0]?.resources?.requests?.['cpu']).toBe('600m');
    expect(pod.metadata.generation).toBe(2);
    expect(texts(subresource('resize').validateUpdate(context, pod, old))).toEqual([]);
  });
});

describe('a deployment', () => {
  it('starts with the zero status', () => {
    const object = created('apps/deployments', deployment());
    expect(object.status).toEqual({});
    expect(object.metadata.generation).toBe(1);
    expect(texts(strategy('apps/deployments').validate(context, object))).toEqual([]);
  });

  it('counts changes of the spec and of the annotations', () => {
    const old = created('apps/deployments', deployment());
    const same = structuredClone(old);
    strategy('apps/deployments').prepareForUpdate(context, same, old);
    expect(same.metadata.generation).toBe(1);
    const noted = put(structuredClone(old), 'metadata.annotations', { a: 'b' });
    strategy('apps/deployments').prepareForUpdate(context, noted, old);
    expect(noted.metadata.generation).toBe(2);
  });
});

describe('a daemon set', () => {
  it('counts changes of its template in an annotation', () => {
    const daemonSet: DaemonSet = {
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: { app: 'web' } }, template: template() },
    };
    const old = created('apps/daemonsets', daemonSet);
    const key = 'deprecated.daemonset.template.generation';
    expect(old.metadata.annotations?.[key]).toBe('1');
    const changed = put(structuredClone(old), 'spec.template.spec.containers.0.image', 'other');
    strategy('apps/daemonsets').prepareForUpdate(context, changed, old);
    expect(changed.metadata).toMatchObject({ generation: 2, annotations: { [key]: '2' } });
  });
});

describe('a stateful set', () => {
  it('says of what kind its claim templates are', () => {
    const claim = { metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce' as const] } };
    const statefulSet: StatefulSet = {
      metadata: { name: 's' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: template(),
        volumeClaimTemplates: [{ ...claim, kind: 'Other' as never }],
      },
    };
    const old = created('apps/statefulsets', statefulSet);
    const named = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', ...claim };
    expect(JSON.stringify(old.spec?.volumeClaimTemplates)).toBe(JSON.stringify([named]));
    const update = put(structuredClone(old), 'spec.volumeClaimTemplates.0', claim);
    strategy('apps/statefulsets').prepareForUpdate(context, update, old);
    expect(update.spec?.volumeClaimTemplates).toEqual([named]);
    expect(update.metadata.generation).toBe(1);
    // Stored when the kinds were not written yet.
    const before = put(structuredClone(old), 'spec.volumeClaimTemplates.0', claim);
    const immutable = 'forbidden: updates to statefulset spec';
    const complaints = texts(strategy('apps/statefulsets').validateUpdate(context, update, before));
    expect(complaints.filter((text) => text.toLowerCase().includes(immutable))).toEqual([]);
  });
});

describe('a job', () => {
  const job = (): Job => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'default', uid: 'u-1' },
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      template: put(template(), 'spec.restartPolicy', 'Never'),
    },
  });

  it('selects its pods by its uid', () => {
    const made = created('batch/jobs', job());
    expect(made.spec?.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } });
    expect(made.spec?.template.metadata?.labels).toEqual({
      app: 'web',
      'batch.kubernetes.io/controller-uid': 'u-1',
      'batch.kubernetes.io/job-name': 'j',
      'controller-uid': 'u-1',
      'job-name': 'j',
    });
    expect(texts(strategy('batch/jobs').validate(context, made))).toEqual([]);
  });

  it('selects as the client says when told so', () => {
    const made = put(job(), 'spec.manualSelector', true);
    put(made, 'spec.selector', { matchLabels: { app: 'web' } });
    expect(created('batch/jobs', made).spec?.selector).toEqual({ matchLabels: { app: 'web' } });
    expect(texts(strategy('batch/jobs').validate(context, made))).toEqual([]);
  });

  it('leaves its pods behind unless told otherwise', () => {
    expect(strategy('batch/jobs').defaultGarbageCollection).toBe('orphan');
    expect(strategy('batch/jobs').selectableFields?.(created('batch/jobs', job()))).toEqual({
      'status.successful': '0',
    });
  });
});

describe('all strategies', () => {
  it.each(Object.entries(workloadStrategies))('%s names the fields it can select by', (_key, { ...one }) => {
    const fields = one.selectableFields?.({ metadata: { name: 'x' } } as ApiObject) ?? {};
    expect(Object.keys(fields)).toEqual([...one.selectableFieldNames]);
  });
});
