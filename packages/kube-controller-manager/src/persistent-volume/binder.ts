/** Carries out what the plans say (upstream `pkg/controller/volume/persistentvolume/pv_controller.go`). */
import { bindVolumeToClaim } from '@kubets/api/core/helpers/persistent-volume';
import { isNotFound } from '@kubets/apimachinery/status';
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim } from '@kubets/api/types/core-v1';
import { keyOf, type EventRecorder, type KubeClient } from '@kubets/client';
import { boundClaim, claimStatus, unboundVolume, withProvisioner } from './bindings.ts';
import { planClaim, type ClaimView, type Event } from './claim-plan.ts';
import type { LatestCache } from './latest-cache.ts';
import { planVolume, reclaimFailure } from './volume-plan.ts';

type Claim = Readonly<PersistentVolumeClaim>;
type Volume = Readonly<PersistentVolume>;
type VolumePhase = NonNullable<NonNullable<PersistentVolume['status']>['phase']>;
type ClaimPhase = NonNullable<NonNullable<PersistentVolumeClaim['status']>['phase']>;

export interface BinderOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly volumes: LatestCache<PersistentVolume>;
  readonly claims: LatestCache<PersistentVolumeClaim>;
  /** How one claim sees the world. */
  view(claim: Claim): ClaimView;
  enqueueClaim(key: string): void;
}

export class Binder {
  readonly #options: BinderOptions;
  /** Volumes that are being bound, and the uids of the claims that get them. */
  readonly #promised = new Map<string, string | undefined>();

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  /** Whether a binding to another claim is under way. */
  isPromisedToOther(volume: Volume, claim: Claim): boolean {
    const { name = '' } = volume.metadata;
    return this.#promised.has(name) && this.#promised.get(name) !== claim.metadata.uid;
  }

  /** Brings the claim of that key forward. */
  async syncClaim(key: string): Promise<void> {
    const claim = this.#options.claims.get(key);
    if (claim === undefined) return;
    const action = planClaim(claim, this.#options.view(claim));
    switch (action.type) {
      case 'bind':
        return await this.#bind(action.volume, claim);
      case 'assignClass':
        await this.#updateClaim({ ...claim, spec: { ...claim.spec, storageClassName: action.name } });
        return;
      case 'provision':
        return await this.#provision(claim, action.provisioner, action.event);
      case 'pending':
        if (action.event !== undefined) this.#report(claim, action.event);
        await this.#setClaimStatus(claim, 'Pending');
        if (action.failure !== undefined) throw new Error(action.failure);
        return;
      case 'lost':
        if (claim.status?.phase === 'Lost') return;
        this.#report(await this.#setClaimStatus(claim, 'Lost'), action.event);
    }
  }

  /** Brings the volume of that name forward. */
  async syncVolume(name: string): Promise<void> {
    const volume = this.#options.volumes.get(name);
    if (volume === undefined) return;
    const claim = await this.#claimOf(volume);
    const action = planVolume(volume, claim);
    switch (action.type) {
      case 'phase':
        await this.#setPhase(volume, action.phase);
        return;
      case 'syncClaim':
        return claim && this.#options.enqueueClaim(keyOf(claim));
      case 'mismatch':
        return claim && this.#reportMismatch(volume, claim);
      case 'unbind':
        await this.#setPhase(await this.#updateVolume(unboundVolume(volume)), 'Available');
        return;
      case 'release':
        return await this.#release(volume);
    }
  }

  /** Volume, its phase, claim, its phase: wherever this is interrupted, the next look goes on from there. */
  async #bind(volume: Volume, claim: Claim): Promise<void> {
    const { name = '' } = volume.metadata;
    if (this.isPromisedToOther(volume, claim)) throw new Error(`volume ${name} is being bound to another claim`);
    this.#promised.set(name, claim.metadata.uid);
    try {
      const { volume: bound, changed } = bindVolumeToClaim(volume, claim);
      const stored = changed ? await this.#updateVolume(bound) : volume;
      await this.#setPhase(stored, 'Bound');
      const completed = boundClaim(claim, stored);
      await this.#setClaimStatus(completed === undefined ? claim : await this.#updateClaim(completed), 'Bound', stored);
    } finally {
      this.#promised.delete(name);
    }
  }

  async #provision(claim: Claim, provisioner: string, event: Event): Promise<void> {
    const annotated = withProvisioner(claim, provisioner);
    const current = annotated === undefined ? claim : await this.#updateClaim(annotated);
    this.#report(current, event);
    await this.#setClaimStatus(current, 'Pending');
  }

  /**
   * The claim that the volume refers to; undefined when it is gone, or another one of that name is there. What the caches do
   * not know is asked of the server: with a slow watch a volume would be given away that has just been bound.
   */
  async #claimOf(volume: Volume): Promise<Claim | undefined> {
    const reference = volume.spec?.claimRef;
    if (reference === undefined || !reference.uid) return undefined;
    const cached = this.#options.claims.get(`${reference.namespace}/${reference.name}`);
    if (cached?.metadata.uid === reference.uid) return cached;
    const phase = volume.status?.phase;
    if (phase === 'Released' || phase === 'Failed') return undefined;
    const fresh = await this.#readClaim(reference);
    return fresh?.metadata.uid === reference.uid ? fresh : undefined;
  }

  async #readClaim({ namespace, name = '' }: ObjectReference): Promise<Claim | undefined> {
    try {
      return await this.#options.client.persistentVolumeClaims(namespace).get(name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #release(volume: Volume): Promise<void> {
    const phase = volume.status?.phase;
    // Failed stays: users are to see that something went wrong.
    const current = phase === 'Failed' || phase === 'Released' ? volume : await this.#setPhase(volume, 'Released');
    const failure = reclaimFailure(current);
    if (failure === undefined || current.status?.phase === 'Failed') return;
    const failed = await this.#setPhase(current, 'Failed', failure.message);
    this.#report(failed, { type: 'Warning', ...failure });
  }

  #reportMismatch(volume: Volume, claim: Claim): void {
    const because = 'due to incompatible volumeMode.';
    const [v, c] = [volume, claim].map(({ metadata }) => JSON.stringify(metadata.name));
    const reason = 'VolumeMismatch';
    const toVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${c} ${because}`;
    const toClaim = `Cannot bind PersistentVolume ${v} to requested PersistentVolumeClaim ${because}`;
    this.#report(volume, { type: 'Warning', reason, message: toVolume });
    this.#report(claim, { type: 'Warning', reason, message: toClaim });
  }

  async #setPhase(volume: Volume, phase: VolumePhase, message = ''): Promise<Volume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _message, ...status } = volume.status ?? {};
    const written: PersistentVolume = {
      ...volume,
      metadata: { ...volume.metadata },
      status: { ...status, phase, ...(message !== '' && { message }) },
    };
    const updated = await this.#options.client.persistentVolumes().updateStatus(written);
    this.#options.volumes.wrote(updated);
    return updated;
  }

  async #updateVolume(volume: Volume): Promise<Volume> {
    const updated = await this.#options.client.persistentVolumes().update(structuredClone(volume));
    this.#options.volumes.wrote(updated);
    return updated;
  }

  async #updateClaim(claim: Claim): Promise<Claim> {
    const claims = this.#options.client.persistentVolumeClaims(claim.metadata.namespace);
    const updated = await claims.update(structuredClone(claim));
    this.#options.claims.wrote(updated);
    return updated;
  }

  async #setClaimStatus(claim: Claim, phase: ClaimPhase, volume?: Volume): Promise<Claim> {
    const status = claimStatus(claim, phase, volume);
    if (status === undefined) return claim;
    const claims = this.#options.client.persistentVolumeClaims(claim.metadata.namespace);
    const updated = await claims.updateStatus(structuredClone({ ...claim, status }));
    this.#options.claims.wrote(updated);
    return updated;
  }

  #report(about: Claim | Volume, { type, reason, message }: Event): void {
    this.#options.events.event(about, type, reason, message);
  }
}
