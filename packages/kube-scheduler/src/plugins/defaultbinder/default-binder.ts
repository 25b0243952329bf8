/** Binds through the API (`pkg/scheduler/framework/plugins/defaultbinder/default_binder.go`). */
import type { CycleState } from '../../framework/cycle-state.ts';
import type { PodInfo } from '../../framework/pod-info.ts';
import { Status } from '../../framework/status.ts';
import type { BindPlugin, Handle, Outcome } from '../../framework/types.ts';

export class DefaultBinder implements BindPlugin {
  readonly name = 'DefaultBinder';
  readonly #handle: Handle;

  constructor(_args: unknown, handle: Handle) {
    this.#handle = handle;
  }

  async bind(_state: CycleState, { pod }: PodInfo, nodeName: string): Promise<Outcome> {
    const { namespace = '', name = '', uid } = pod.metadata;
    const metadata = { namespace, name, ...(uid === undefined ? {} : { uid }) };
    const binding = { kind: 'Binding', apiVersion: 'v1', metadata, target: { kind: 'Node', name: nodeName } };
    try {
      await this.#handle.client.pods(namespace).createSubresource(name, 'binding', binding);
      return undefined;
    } catch (error) {
      return Status.error(error);
    }
  }
}
