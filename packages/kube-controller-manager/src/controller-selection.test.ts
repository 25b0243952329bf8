import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalSelectors, decide, isSelected, UnknownControllerError } from './controller-selection.ts';
import { controllerFacts } from './generated/controllers.ts';

const factOf = (name: string) => controllerFacts.find((fact) => fact.name === name)!;
const deployment = factOf('deployment-controller');
const signer = factOf('bootstrap-signer-controller');

describe('canonicalSelectors', () => {
  it('replaces aliases', () => {
    expect(canonicalSelectors(['*', '-deployment', 'bootstrapsigner'], controllerFacts)).toEqual([
      '*',
      '-deployment-controller',
      'bootstrap-signer-controller',
    ]);
  });

  it('names every unknown controller', () => {
    const parse = (): unknown => canonicalSelectors(['*', '-foo', 'bar', 'job'], controllerFacts);
    expect(parse).toThrow(UnknownControllerError);
    expect(parse).toThrow(
      '"foo" is not in the list of known controllers; "bar" is not in the list of known controllers',
    );
  });
});

describe('isSelected', () => {
  it.each([
    [['*'], true, false],
    [['*', 'bootstrap-signer-controller'], true, true],
    [['*', '-deployment-controller'], false, false],
    [['deployment-controller'], true, false],
    [['-deployment-controller', 'deployment-controller', '*'], false, false],
    [[], false, false],
  ])('%j', (selectors, usual, offByDefault) => {
    expect(isSelected(deployment, selectors)).toBe(usual);
    expect(isSelected(signer, selectors)).toBe(offByDefault);
  });
});

describe('decide', () => {
  it('leaves out what gates turn off and what clouds run', () => {
    const gated = factOf('service-cidr-controller');
    expect(decide(gated, ['*'], () => true)).toEqual({ run: true });
    expect(decide(gated, ['*'], () => false)).toMatchObject({ run: false });
    expect(decide(factOf('service-lb-controller'), ['*'], () => true)).toMatchObject({ run: false });
  });
});

const reference = new URL('../../../../shared/reference/controllers.json', import.meta.url);

describe.runIf(existsSync(reference))('the generated facts', () => {
  it('are those of the reference', () => {
    const { controllers } = JSON.parse(readFileSync(reference, 'utf8')) as { controllers: { name: string }[] };
    expect(controllerFacts.map((fact) => fact.name)).toEqual(controllers.map((entry) => entry.name));
  });
});
