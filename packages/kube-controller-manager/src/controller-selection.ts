/** Which controllers run: `--controllers`, feature gates, defaults. Pure. */

/** What upstream says of a controller (`cmd/kube-controller-manager/names`, `NewControllerDescriptors`). */
export interface ControllerFact {
  readonly name: string;
  readonly enabledByDefault: boolean;
  /** Older names, which `--controllers` knows too. */
  readonly aliases: readonly string[];
  /** It runs only if all of these are on. */
  readonly featureGates: readonly string[];
  /** A cloud controller manager runs it, nobody else. */
  readonly cloudProvider: boolean;
  /** Others need what it makes: it starts before them, and acts as the manager itself. */
  readonly startedFirst: boolean;
  /** The service account in kube-system as which it acts; also the component of its Events. */
  readonly account: string;
}

/** A name after `--controllers` that is no controller's. */
export class UnknownControllerError extends Error {
  override readonly name = 'UnknownControllerError';
}

export type Decision = { readonly run: true } | { readonly run: false; readonly reason: string };

/**
 * The selectors with aliases replaced by names. Throws an {@link UnknownControllerError} that names every unknown one
 * (`KubeControllerManagerOptions.Validate`, `GenericControllerManagerConfigurationOptions.ApplyTo`).
 */
export function canonicalSelectors(selectors: readonly string[], facts: readonly ControllerFact[]): readonly string[] {
  const names = new Map<string, string>();
  for (const { name, aliases } of facts) for (const known of [name, ...aliases]) names.set(known, name);
  const unknown: string[] = [];
  const canonical = selectors.map((selector) => {
    if (selector === '*') return selector;
    const minus = selector.startsWith('-');
    const given = minus ? selector.slice(1) : selector;
    const name = names.get(given);
    if (name === undefined) unknown.push(`"${given}" is not in the list of known controllers`);
    return `${minus ? '-' : ''}${name}`;
  });
  if (unknown.length > 0) throw new UnknownControllerError(unknown.join('; '));
  return canonical;
}

/**
 * Whether canonical selectors choose a controller: the first that names it decides, else `*` stands for all that are on by
 * default (`controller-manager/app/helper.go`, `IsControllerEnabled`).
 */
export function isSelected(fact: ControllerFact, selectors: readonly string[]): boolean {
  const explicit = selectors.find((selector) => selector === fact.name || selector === `-${fact.name}`);
  if (explicit !== undefined) return explicit === fact.name;
  return selectors.includes('*') && fact.enabledByDefault;
}

/** Whether a controller is to run, and if not, why. */
export function decide(
  fact: ControllerFact,
  selectors: readonly string[],
  featureEnabled: (gate: string) => boolean,
): Decision {
  const off = fact.featureGates.filter((gate) => !featureEnabled(gate));
  if (off.length > 0) return { run: false, reason: `feature gate ${off.join(', ')} is off` };
  if (fact.cloudProvider) return { run: false, reason: 'a cloud controller manager runs it' };
  if (!isSelected(fact, selectors)) return { run: false, reason: 'not among --controllers' };
  return { run: true };
}
