/** Gives pods their service account, its token and its pull secrets (`plugin/pkg/admission/serviceaccount/admission.go`). */
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '@kubets/api/types/core-v1';
import type { Clock, Random } from '@kubets/apimachinery/clock';
import { randomSuffix } from '@kubets/apimachinery/names';
import type { CacheDirectory, ResourceCache } from '../../storage/cache.ts';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';
import {
  checkMirrorPod,
  checkMountableSecrets,
  checkMountableSecretsOfEphemeral,
  enforceAnnotation,
} from './mountable-secrets.ts';

export interface ServiceAccountDeps {
  readonly caches: CacheDirectory;
  readonly random: Random;
  readonly clock: Clock;
}

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const defaultName = 'default';
const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and seven seconds: by the odd number the token request knows a projected token. */
const tokenSeconds = 3607;
/** As long as upstream looks for a default account again and again. */
const longestWaitMs = 1_500;

const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[mirrorAnnotation] !== undefined;

export function serviceAccount(deps: ServiceAccountDeps): AdmissionPlugin {
  const accounts = deps.caches.of({ group: '', resource: 'serviceaccounts' });
  return {
    name: 'ServiceAccount',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isResource(attributes, '', 'pods')) return undefined;
      const pod = attributes.object as unknown as Pod;
      const { spec } = pod;
      if (spec === undefined || isMirror(pod)) return undefined;
      const name = spec.serviceAccountName || defaultName;
      const finish = (): void => complete(spec, find(attributes, accounts, name), deps.random);
      // A namespace that is just made gets its default account in a moment.
      if (name === defaultName && accounts.get(attributes.namespace, name) === undefined) {
        return appears(accounts, { namespace: attributes.namespace, name }, deps.clock).then(finish);
      }
      return finish();
    },
    validate(attributes) {
      if (attributes.resource.group !== '' || attributes.resource.resource !== 'pods') return;
      if (attributes.operation === 'CREATE' && attributes.subresource === '') validateCreate(attributes, accounts);
      if (attributes.operation === 'UPDATE' && attributes.subresource === 'ephemeralcontainers') {
        validateEphemeral(attributes, accounts);
      }
    },
  };
}

function complete(spec: PodSpec, account: ServiceAccount, random: Random): void {
  spec.serviceAccountName = account.metadata.name ?? defaultName;
  // The deprecated alias says the same.
  spec.serviceAccount = spec.serviceAccountName;
  if (automounts(account, spec)) mountToken(spec, random);
  if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
    spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((secret) => ({ ...secret }));
  }
}

/** Resolves when the object is there, or when waiting for it is no longer worth while. */
function appears(cache: ResourceCache, wanted: { namespace: string; name: string }, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimer(longestWaitMs, resolve);
  const stop = cache.subscribe((event) => {
    if (event.type !== 'added') return;
    if (event.current.name === wanted.name && event.current.namespace === wanted.namespace) resolve();
  });
  return promise.finally(() => {
    timer.cancel();
    stop();
  });
}

function validateCreate(attributes: AdmissionAttributes, accounts: ResourceCache): void {
  const pod = attributes.object as unknown as Pod;
  if (pod.spec === undefined) return;
  if (isMirror(pod)) return checkMirrorPod(attributes, pod);
  const account = find(attributes, accounts, pod.spec.serviceAccountName ?? '');
  if (account.metadata.annotations?.[enforceAnnotation] === 'true')
    checkMountableSecrets(attributes, pod.spec, account);
}

function validateEphemeral(attributes: AdmissionAttributes, accounts: ResourceCache): void {
  const pod = attributes.object as unknown as Pod;
  if (pod.spec === undefined) return;
  if (isMirror(pod)) return checkMirrorPod(attributes, pod);
  const account = find(attributes, accounts, pod.spec.serviceAccountName ?? '');
  if (account.metadata.annotations?.[enforceAnnotation] === 'true')
    checkMountableSecretsOfEphemeral(attributes, pod.spec, account);
}

function find(attributes: AdmissionAttributes, accounts: ResourceCache, name: string): ServiceAccount {
  const entry = accounts.get(attributes.namespace, name);
  if (entry === undefined) {
    const where = `${attributes.namespace}/${name}`;
    throw forbid(
      attributes,
      `error looking up service account ${where}: serviceaccount ${JSON.stringify(name)} not found`,
    );
  }
  return entry.object as unknown as ServiceAccount;
}

/** The pod has the last word, then the account; yes otherwise. */
function automounts(account: ServiceAccount, spec: PodSpec): boolean {
  return spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** Mounts the token into every container that has nothing else at its path. */
function mountToken(spec: PodSpec, random: Random): void {
  const name = `${volumePrefix}${randomSuffix(random)}`;
  const mounted = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter((container) =>
    addMount(container, name),
  );
  if (mounted.length > 0) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function addMount(container: Container, name: string): boolean {
  const mounts = container.volumeMounts ?? [];
  if (mounts.some((mount) => mount.mountPath === tokenMountPath)) return false;
  container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: tokenMountPath }];
  return true;
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    },
  };
}
