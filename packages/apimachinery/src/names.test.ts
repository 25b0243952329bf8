import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as names from './names.ts';

const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const qualifiedMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const checks: Record<string, (value: string) => string[]> = { ...names } as never;

describe('names', () => {
  it.each([
    ['isDNS1123Label', 'web-1', []],
    ['isDNS1123Label', 'a.b', ['must not contain dots']],
    ['isDNS1123Label', 'A', [labelMessage]],
    ['isDNS1123Label', '', [labelMessage]],
    ['isDNS1123Label', 'a'.repeat(64), ['must be no more than 63 characters']],
    ['isDNS1123Subdomain', 'a.b-c.d', []],
    ['isDNS1123Subdomain', 'a..b', [subdomainMessage]],
    ['isDNS1123Subdomain', `${'a'.repeat(254)}`, ['must be no more than 253 characters']],
    ['isQualifiedName', 'app', []],
    ['isQualifiedName', 'example.com/app_1.x', []],
    ['isQualifiedName', '', ['name part must be non-empty', `name part ${qualifiedMessage}`]],
    ['isQualifiedName', '/a', ['prefix part must be non-empty']],
    ['isQualifiedName', 'A.b/c', [`prefix part ${subdomainMessage}`]],
    ['isQualifiedName', 'a'.repeat(64), ['name part must be no more than 63 bytes']],
    [
      'isQualifiedName',
      'a/b/c',
      [
        `a qualified name ${qualifiedMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ],
    ],
    ['isValidLabelValue', '', []],
    ['isValidLabelValue', 'a'.repeat(64), ['must be no more than 63 bytes']],
    ['isWildcardDNS1123Subdomain', '*.a.b', []],
    ['isEnvVarName', 'A.b-c', []],
    ['isRelaxedEnvVarName', '1 weird:name', []],
    ['isRelaxedEnvVarName', '', ['environment variable name must be non-empty']],
    [
      'isRelaxedEnvVarName',
      'a=b',
      ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ],
    ['isConfigMapKey', 'ca.crt', []],
    ['isConfigMapKey', '..', ["must not be '..'"]],
    ['isConfigMapKey', '..a', ["must not start with '..'"]],
    ['isConfigMapKey', '.', ["must not be '.'"]],
    ['isValidPortName', 'http-1', []],
    ['isValidPortName', '12', ['must contain at least one letter (a-z)']],
    ['isValidPortName', 'a--b', ['must not contain consecutive hyphens']],
    ['isValidPortName', '-a', ['must not begin or end with a hyphen']],
    ['isValidPortName', 'abcdefghijklmnop', ['must be no more than 15 characters']],
    ['isHTTPHeaderName', 'X-A', []],
    ['isValidPercent', '10%', []],
  ] as const)('%s(%j)', (name, value, errors) => {
    expect(checks[name]?.(value)).toEqual(errors);
  });

  it('checks numbers', () => {
    expect(names.isValidPortNum(65535)).toEqual([]);
    expect(names.isValidPortNum(0)).toEqual(['must be between 1 and 65535, inclusive']);
    expect(names.isValidUserID(-1)).toEqual(['must be between 0 and 4294967295, inclusive']);
  });

  it('lets a generateName end in a dash', () => {
    expect(names.nameIsDNSSubdomain('web-', true)).toEqual([]);
    expect(names.nameIsDNSSubdomain('web-', false)).toEqual([subdomainMessage]);
    expect(names.validatePathSegmentName('a/b', false)).toEqual(["may not contain '/'"]);
    expect(names.validatePathSegmentName('..', false)).toEqual(["may not be '..'"]);
  });

  it('counts bytes as UTF-8 does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(names.byteLength(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });

  it('generates names that are valid and at most 63 long', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{0,70}$/), fc.double({ min: 0, max: 0.999999, noNaN: true }), (b, f) => {
        const random = { float: () => f, uuid: () => '' };
        const name = names.generateName(b, random);
        expect(name.length).toBe(Math.min(b.length, 58) + 5);
        expect(name.slice(-5)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        expect(name.startsWith(b.slice(0, 58))).toBe(true);
      }),
    );
  });
});
