/** Signs `kube-public/cluster-info` with the tokens of nodes that are to join (`pkg/controller/bootstrap/bootstrapsigner.go`). */
import type { ConfigMap, Secret } from '@kubets/api/types/core-v1';
import { isNotFound } from '@kubets/apimachinery/status';
import { configMaps, secrets } from '@kubets/client/resources';
import { namespaceIndex, type SharedInformer } from '@kubets/client';
import type { ControllerDescriptor } from '../controller.ts';
import { reconciler } from '../lib/reconciler.ts';
import { isTokenSecret, remainingMs, tokenNamespace } from './bootstrap-token.ts';
import { signedClusterInfo } from './signed-cluster-info.ts';

const infoNamespace = 'kube-public';
const infoName = 'cluster-info';
const infoKey = `${infoNamespace}/${infoName}`;

const tokensIn = (informer: SharedInformer<Secret>): Readonly<Secret>[] =>
  informer.store.byIndex(namespaceIndex, tokenNamespace).filter(isTokenSecret);

export const bootstrapSignerController: ControllerDescriptor = {
  name: 'bootstrap-signer-controller',
  create(context) {
    const { clock, client } = context;
    const queue = context.queue('bootstrap_signer_queue');
    const infos = context.informers.informer(configMaps);
    const tokens = context.informers.informer(secrets);
    const onInfo = ({ metadata }: Readonly<ConfigMap>): void => {
      if (metadata.name === infoName && metadata.namespace === infoNamespace) queue.add(infoKey);
    };
    const onToken = (secret: Readonly<Secret>): void => {
      if (!isTokenSecret(secret)) return;
      queue.add(infoKey);
      // Its signature goes when it has expired, whether or not somebody deletes it then.
      const ms = remainingMs(secret, clock.now()) ?? 0;
      if (ms > 0) queue.addAfter(infoKey, ms);
    };
    infos.addEventHandler({ onAdd: onInfo, onUpdate: (_old, info) => onInfo(info) });
    tokens.addEventHandler({ onAdd: onToken, onUpdate: (_old, secret) => onToken(secret), onDelete: onToken });
    return reconciler(context, {
      queue,
      informers: [infos, tokens],
      workers: 1,
      async reconcile() {
        const info = infos.store.get(infoKey);
        const signed = info && signedClusterInfo(info, tokensIn(tokens), clock.now());
        if (signed === undefined) return;
        try {
          await client.configMaps(infoNamespace).update(signed);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    });
  },
};
