import { newForbidden } from '@kubets/apimachinery/status';
import { describe, expect, it } from 'vitest';
import { AdmissionChain } from './chain.ts';
import type { AdmissionAttributes, AdmissionPlugin, Operation } from './plugin.ts';

function attributes(operation: Operation): AdmissionAttributes {
  return { operation } as AdmissionAttributes;
}

function plugin(name: string, log: string[], options: { async?: boolean; only?: Operation } = {}): AdmissionPlugin {
  const note = (phase: string) => (): void | Promise<void> => {
    log.push(`${phase} ${name}`);
    return options.async === true ? Promise.resolve() : undefined;
  };
  return {
    name,
    handles: (operation) => options.only === undefined || options.only === operation,
    admit: note('admit'),
    validate: note('validate'),
  };
}

describe('the admission chain', () => {
  it('runs plugins in order, synchronously while they are', () => {
    const log: string[] = [];
    const chain = new AdmissionChain([plugin('a', log), plugin('b', log, { only: 'DELETE' }), plugin('c', log)]);
    expect(chain.admit(attributes('CREATE'))).toBeUndefined();
    expect(chain.validate(attributes('DELETE'))).toBeUndefined();
    expect(log).toEqual(['admit a', 'admit c', 'validate a', 'validate b', 'validate c']);
  });

  it('waits for those that take their time', async () => {
    const log: string[] = [];
    const chain = new AdmissionChain([plugin('a', log), plugin('b', log, { async: true }), plugin('c', log)]);
    const pending = chain.admit(attributes('UPDATE'));
    expect(log).toEqual(['admit a', 'admit b']);
    await pending;
    expect(log).toEqual(['admit a', 'admit b', 'admit c']);
  });

  it('ends with the first refusal', () => {
    const log: string[] = [];
    const refuse: AdmissionPlugin = {
      name: 'no',
      handles: () => true,
      admit: () => {
        throw newForbidden({ group: '', resource: 'pods' }, 'p', 'no');
      },
    };
    const chain = new AdmissionChain([plugin('a', log), refuse, plugin('b', log)]);
    expect(() => chain.admit(attributes('CREATE'))).toThrow('pods "p" is forbidden: no');
    expect(log).toEqual(['admit a']);
  });
});
