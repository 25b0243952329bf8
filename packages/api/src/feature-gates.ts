/** Which feature gates are on (`component-base/featuregate`). */
import { featureGates } from './facts.ts';

export class FeatureGateError extends Error {
  override readonly name = 'FeatureGateError';
}

export type FeatureEnabled = (gate: string) => boolean;

/**
 * The look-up for some overrides (`--feature-gates`). Throws for names that do not exist and for
 * gates that are locked to another value. Gates it does not know are off.
 */
export function featureGateLookup(overrides: Readonly<Record<string, boolean>> = {}): FeatureEnabled {
  const values = new Map(featureGates().map((gate) => [gate.name, gate.default]));
  for (const [name, value] of Object.entries(overrides)) {
    const gate = featureGates().find((g) => g.name === name);
    if (gate === undefined) throw new FeatureGateError(`unrecognized feature gate: ${name}`);
    if (gate.locked && gate.default !== value) {
      throw new FeatureGateError(`cannot set feature gate ${name} to ${value}, feature is locked to ${gate.default}`);
    }
    values.set(name, value);
  }
  return (gate) => values.get(gate) ?? false;
}
