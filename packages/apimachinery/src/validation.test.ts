import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldErrorText, Path, type FieldError } from './field.ts';
import { nameIsDNSSubdomain } from './names.ts';
import { validateConditions } from './validation-conditions.ts';
import {
  isDomainPrefixedKey,
  isDomainPrefixedPath,
  isFullyQualifiedDomainName,
  isFullyQualifiedName,
} from './validation-domain.ts';
import {
  formatCIDR,
  formatIP,
  isValidCIDR,
  isValidInterfaceAddress,
  isValidIP,
  isValidIPv4Address,
  isValidIPv6Address,
  parseCIDR,
  parseIP,
  warningsForCIDR,
  warningsForIP,
} from './validation-ip.ts';
import { semanticEqual, validateAnnotations, validateObjectMeta, validateObjectMetaUpdate } from './validation-meta.ts';
import { validateDeleteOptions, validatePatchOptions, validateTableOptions } from './validation-options.ts';

const texts = (errors: FieldError[]): string[] => errors.map(fieldErrorText);
const p = Path.of('spec', 'x');

describe('IP addresses', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['010.002.3.4', '10.2.3.4'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is %s', (text, canonical) => {
    expect(formatIP(parseIP(text)!)).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    ':',
    ':::',
    '1:2',
    '::1%eth0',
    '1::2::3',
    '12345678::',
    'g::',
    '1.2.3.4:1',
  ])('refuses %j', (text) => {
    expect(isValidIP(text)).toEqual(['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']);
  });

  it('knows families, CIDRs and warnings', () => {
    expect(isValidIPv4Address('::1')).toEqual(['must be a valid IPv4 address']);
    expect(isValidIPv6Address('1.2.3.4')).toEqual(['must be a valid IPv6 address']);
    expect(isValidCIDR('10.0.0.0/33')).toEqual(['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']);
    expect(formatCIDR(parseCIDR('10.1.2.3/20')!)).toBe('10.1.0.0/20');
    expect(formatCIDR(parseCIDR('::ffff:10.1.2.3/120')!)).toBe('10.1.2.0/24');
    expect(formatCIDR(parseCIDR('2001:db8::1/64')!)).toBe('2001:db8::/64');
    expect(isValidInterfaceAddress('10.1.2.3/20')).toEqual([]);
    expect(isValidInterfaceAddress('10.01.2.3/20')).toEqual(['must be in canonical form ("10.1.2.3/20")']);
    expect(warningsForIP(p, '010.1.1.1')).toEqual([
      'spec.x: non-standard IP address "010.1.1.1" will be considered invalid in a future Kubernetes release: use "10.1.1.1"',
    ]);
    expect(warningsForIP(p, '2001:DB8::1')).toEqual([
      'spec.x: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
    ]);
    expect(warningsForCIDR(p, '10.1.2.3/24')).toEqual([
      'spec.x: CIDR value "10.1.2.3/24" is ambiguous in this context (should be "10.1.2.0/24" or "10.1.2.3/32"?)',
    ]);
    expect(warningsForCIDR(p, '10.1.2.0/24')).toEqual([]);
  });

  it('reads what it writes', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const zeroish = fc.oneof(byte, fc.constant(0));
    fc.assert(
      fc.property(
        fc.oneof(fc.array(byte, { minLength: 4, maxLength: 4 }), fc.array(zeroish, { minLength: 16, maxLength: 16 })),
        (ip) => {
          const again = parseIP(formatIP(ip))!;
          expect(formatIP(again)).toBe(formatIP(ip));
          expect(isValidIP(formatIP(ip))).toEqual([]);
        },
      ),
    );
  });
});

describe('domains', () => {
  it('wants segments', () => {
    expect(texts(isFullyQualifiedName(p, 'a.b'))).toEqual([
      'spec.x: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
    ]);
    expect(isFullyQualifiedDomainName(p, 'a.b.')).toEqual([]);
    expect(texts(isFullyQualifiedDomainName(p, 'a'))).toEqual([
      'spec.x: Invalid value: "a": should be a domain with at least two segments separated by dots',
    ]);
    expect(texts(isDomainPrefixedPath(p, '/a'))).toEqual([
      'spec.x: Invalid value: "/a": must be a domain-prefixed path (such as "acme.io/foo")',
    ]);
    expect(isDomainPrefixedPath(p, 'acme.io/a/b')).toEqual([]);
    expect(texts(isDomainPrefixedKey(p, 'a'))).toEqual([
      'spec.x: Invalid value: "a": must be a domain-prefixed key (such as "acme.io/foo")',
    ]);
  });
});

describe('metadata', () => {
  const options = { namespaced: true, validateName: nameIsDNSSubdomain };
  it('accepts a plain object', () => {
    const meta = { name: 'a', namespace: 'default', labels: { app: 'web' }, finalizers: ['kubernetes'] };
    expect(validateObjectMeta(meta, options)).toEqual([]);
  });

  it('says what is wrong', () => {
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'o', uid: 'u', controller: true };
    expect(
      texts(
        validateObjectMeta(
          {
            labels: { 'a b': 'ok' },
            annotations: { UPPER: 'fine', '': 'bad' },
            generation: -1,
            ownerReferences: [owner, { ...owner, name: '' }],
            finalizers: ['orphan', 'foregroundDeletion'],
            managedFields: [{ manager: 'x\n', fieldsType: 'FieldsV2' as 'FieldsV1' }],
          },
          { ...options, namespaced: true },
        ),
      ).map((t) => t.slice(0, 90)),
    ).toEqual([
      'metadata.name: Required value: name or generateName is required',
      'metadata.namespace: Required value',
      'metadata.generation: Invalid value: -1: must be greater than or equal to 0',
      'metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, ',
      'metadata.annotations: Invalid value: "": name part must be non-empty',
      'metadata.annotations: Invalid value: "": name part must consist of alphanumeric characters',
      'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"o","uid"',
      'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and ',
      'metadata.managedFields[0].operation: Invalid value: "": must be `Apply` or `Update`',
      'metadata.managedFields[0].fieldsType: Invalid value: "FieldsV2": must be `FieldsV1`',
      'metadata.managedFields[0].manager: Invalid value: "x\\n": invalid character U+000A (at posi',
    ]);
    expect(texts(validateObjectMeta({ name: 'a', namespace: 'b' }, { ...options, namespaced: false }))).toEqual([
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
    expect(texts(validateAnnotations({ a: 'x'.repeat(262144) }, Path.of('metadata', 'annotations')))).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  it('keeps what may not change', () => {
    const old = { name: 'a', uid: 'u', generation: 2, resourceVersion: '1', deletionTimestamp: '2024-01-01T00:00:00Z' };
    expect(validateObjectMetaUpdate(old, old)).toEqual([]);
    expect(texts(validateObjectMetaUpdate({ name: 'b', uid: 'v', generation: 1, finalizers: ['x/y'] }, old))).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x/y"}',
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.generation: Invalid value: 1: must not be decremented',
      'metadata.name: Invalid value: "b": field is immutable',
      'metadata.uid: Invalid value: "v": field is immutable',
      'metadata.deletionTimestamp: Invalid value: null: field is immutable',
    ]);
  });

  it('takes empty for absent', () => {
    expect(semanticEqual({ a: [] }, {})).toBe(true);
    expect(semanticEqual({ a: { b: null } }, { a: {} })).toBe(true);
    // An added key that every JavaScript object has is still an added key.
    expect(semanticEqual({ a: '1' }, { a: '1', toString: '2' })).toBe(false);
    expect(semanticEqual({ a: 0 }, {})).toBe(false);
    expect(semanticEqual([1, 2], [1, 3])).toBe(false);
  });
});

describe('options and conditions', () => {
  it('checks them', () => {
    expect(texts(validatePatchOptions({ force: true, dryRun: ['x'] }, 'other'))).toEqual([
      'force: Forbidden: may not be specified for non-apply patch',
      'dryRun: Unsupported value: ["x"]: supported values: "All"',
    ]);
    expect(texts(validatePatchOptions({}, 'apply'))).toEqual([
      'fieldManager: Required value: is required for apply patch',
    ]);
    expect(texts(validateDeleteOptions({ propagationPolicy: 'Foo', orphanDependents: true }))).toEqual([
      'propagationPolicy: Invalid value: "Foo": orphanDependents and deletionPropagation cannot be both set',
      'propagationPolicy: Unsupported value: "Foo": supported values: "Foreground", "Background", "Orphan", "nil"',
    ]);
    expect(texts(validateTableOptions('All'))).toEqual([
      `includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty`,
    ]);
    const ready = { type: 'Ready', status: 'True', reason: 'Fine', lastTransitionTime: '2024-01-01T00:00:00Z' };
    expect(validateConditions([ready], p)).toEqual([]);
    expect(texts(validateConditions([ready, { ...ready, status: 'x', reason: '' }], p))).toEqual([
      'spec.x[1].type: Duplicate value: "Ready"',
      'spec.x[1].status: Unsupported value: "x": supported values: "False", "True", "Unknown"',
      'spec.x[1].reason: Required value: must be set',
    ]);
  });
});
