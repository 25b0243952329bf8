/** The objects without which priority and fairness cannot work (`pkg/apis/flowcontrol/internalbootstrap/default-internal.go`). */
import { flowcontrolBootstrap } from '../../facts.ts';
import { lazy } from '../../lazy.ts';
import { kindInfo } from '../../scheme.ts';

const group = 'flowcontrol.apiserver.k8s.io';

/** Kind and name to the spec with its defaults set, as objects have it when they are compared. */
const specs = lazy(() => {
  const result = new Map<string, unknown>();
  for (const { kind, name, mandatory, spec } of flowcontrolBootstrap().objects) {
    if (!mandatory) continue;
    const object = kindInfo({ group, version: 'v1', kind })?.decodeWithDefaults({ metadata: { name }, spec });
    result.set(`${kind}/${name}`, object?.['spec']);
  }
  return result;
});

/** The one spec that an object of this name may have; `undefined` for all names but the mandatory objects'. */
export function mandatorySpec(kind: 'FlowSchema' | 'PriorityLevelConfiguration', name: string): unknown {
  return specs().get(`${kind}/${name}`);
}
