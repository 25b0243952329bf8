import { describe, expect, it } from 'vitest';
import { fieldErrorText, Path } from '../field.ts';
import type { ManagedFieldsEntry } from '../meta.ts';
import { managerOrUserAgent, validateFieldManager, validateManagedFields } from './validate-managed-fields.ts';

const path = Path.of('metadata', 'managedFields');

describe('validateManagedFields', () => {
  it.each<[object, string[]]>([
    [{ operation: 'Update' }, []],
    [{ operation: 'Apply', fieldsType: 'FieldsV1', manager: 'm', subresource: 'status' }, []],
    [{}, ['metadata.managedFields[0].operation: Invalid value: "": must be `Apply` or `Update`']],
    [
      { operation: 'Apply', fieldsType: 'V2' },
      ['metadata.managedFields[0].fieldsType: Invalid value: "V2": must be `FieldsV1`'],
    ],
    [
      { operation: 'Apply', manager: 'x'.repeat(129) },
      ['metadata.managedFields[0].manager: Too long: may not be more than 128 bytes'],
    ],
    [
      { operation: 'Apply', manager: 'é\n' },
      ['metadata.managedFields[0].manager: Invalid value: "é\\n": invalid character U+000A (at position 2)'],
    ],
    [
      { operation: 'Apply', subresource: 'x'.repeat(257) },
      ['metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes'],
    ],
  ])('%j', (entry, errors) => {
    expect(validateManagedFields([entry as ManagedFieldsEntry], path).map(fieldErrorText)).toEqual(errors);
  });

  it('allows any printable name', () => {
    expect(validateFieldManager('ünïcode ✓ name', Path.of('fieldManager'))).toEqual([]);
  });
});

describe('managerOrUserAgent', () => {
  it.each([
    ['m', 'kubectl/v1.36', 'm'],
    ['', 'kubectl/v1.36 (linux/amd64)', 'kubectl'],
    ['', 'plain', 'plain'],
    ['', '', ''],
    ['', `${'é'.repeat(70)}/1`, 'é'.repeat(64)],
    ['', 'a\u0007\u00e9/1', 'aé'],
    ['', `${'x'.repeat(200)}/1`, 'x'.repeat(128)],
  ])('%j with agent %j', (manager, agent, expected) => {
    expect(managerOrUserAgent(manager, agent)).toBe(expected);
  });
});
