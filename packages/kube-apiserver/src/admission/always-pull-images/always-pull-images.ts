/** Nobody runs an image from a node's cache without the right to pull it (`plugin/pkg/admission/alwayspullimages/admission.go`). */
import type { Container, Pod } from '@kubets/api/types/core-v1';
import { fieldErrorText, notSupported, Path } from '@kubets/apimachinery/field';
import { forbid, isResource } from '../common/attributes.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts';

const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

const imagesOf = (pod: Pod): string[] => lists.flatMap((list) => (pod.spec?.[list] ?? []).map((c) => c.image ?? ''));

/** On update only for pods that name images they did not name before. */
function concerns(attributes: AdmissionAttributes): boolean {
  if (!isResource(attributes, '', 'pods') && !isResource(attributes, '', 'pods', 'ephemeralcontainers')) return false;
  if (attributes.oldObject === undefined) return true;
  const before = new Set(imagesOf(attributes.oldObject as unknown as Pod));
  return imagesOf(attributes.object as unknown as Pod).some((image) => !before.has(image));
}

export function alwaysPullImages(): AdmissionPlugin {
  return {
    name: 'AlwaysPullImages',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!concerns(attributes)) return;
      const { spec } = attributes.object as unknown as Pod;
      for (const list of lists) for (const container of spec?.[list] ?? []) container.imagePullPolicy = 'Always';
      for (const volume of spec?.volumes ?? []) if (volume.image !== undefined) volume.image.pullPolicy = 'Always';
    },
    validate(attributes) {
      if (!concerns(attributes)) return;
      const { spec } = attributes.object as unknown as Pod;
      for (const list of lists) {
        ((spec?.[list] ?? []) as readonly Container[]).forEach(({ imagePullPolicy }, i) => {
          if (imagePullPolicy === 'Always') return;
          const path = Path.of('spec', list).index(i).child('imagePullPolicy');
          throw forbid(attributes, fieldErrorText(notSupported(path, imagePullPolicy ?? '', ['Always'])));
        });
      }
    },
  };
}
