import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeFieldValue, FieldSelector, parseFieldSelector, unescapeFieldValue } from './fields.ts';
import { fieldErrorText, Path } from './field.ts';
import { compileLabelSelector, formatLabelSelector, validateLabelSelector } from './label-selector.ts';
import { parseSelector, Requirement, Selector } from './labels.ts';

describe('label selectors', () => {
  it.each([
    ['', ''],
    ['x=a,y=b,z=c', 'x=a,y=b,z=c'],
    ['z==c,a', 'a,z==c'],
    ['x!=a', 'x!=a'],
    ['x in (c, a,b)', 'x in (a,b,c)'],
    ['x notin (a)', 'x notin (a)'],
    ['x in ()', 'x in ()'],
    ['x in (,a)', 'x in (,a)'],
    ['x in (a,)', 'x in (,a)'],
    ['!x', '!x'],
    ['x>1,y<5', 'x>1,y<5'],
    ['x=', 'x='],
    ['x= ,y=1', 'x=,y=1'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['  x  ,  y  ', 'x,y'],
  ])('%j is %j', (text, canonical) => {
    expect(parseSelector(text).toString()).toBe(canonical);
  });

  it.each([
    ['x=a||y=b', `unable to parse requirement: values[0][x]: Invalid value: "a||y": `],
    ['x==a==b', "found '==', expected: ',' or 'end of string'"],
    ['!x=a', "found '=', expected: ',' or 'end of string'"],
    [
      'x<a',
      `unable to parse requirement: values[0]: Invalid value: "a": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [',x', "found ',', expected: !, identifier, or 'end of string'"],
    ['x,', "found '', expected: identifier after ','"],
    ['x in a', "unable to parse requirement: found 'a' expected: '('"],
    ['x in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['x y', "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=/', 'unable to parse requirement: values[0][a]: Invalid value: "/": a valid label must be'],
    ['-a', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    ['!', "unable to parse requirement: found '', expected: identifier"],
  ])('refuses %j', (text, message) => {
    let error = '';
    try {
      parseSelector(text);
    } catch (e) {
      error = (e as Error).message;
    }
    expect(error.slice(0, message.length)).toBe(message);
  });

  it.each([
    ['x=a', { x: 'a' }, true],
    ['x=a', {}, false],
    ['x!=a', {}, true],
    ['x notin (a,b)', { x: 'c' }, true],
    ['x in (a,b)', { x: 'b' }, true],
    ['x', { x: '' }, true],
    ['!x', { x: '' }, false],
    ['x>1', { x: '2' }, true],
    ['x>1', { x: 'a' }, false],
    ['x<9223372036854775807', { x: '9223372036854775806' }, true],
    ['toString', {}, false],
  ])('%s of %j: %s', (text, labels, matches) => {
    expect(parseSelector(text).matches(labels as Record<string, string>)).toBe(matches);
  });

  it('knows everything, nothing and exact matches', () => {
    expect(parseSelector('').empty).toBe(true);
    expect(Selector.nothing.matches({})).toBe(false);
    expect(Selector.everything.matches(undefined)).toBe(true);
    expect(parseSelector('a=b,c').exactMatch('a')).toBe('b');
    expect(parseSelector('a=b,c').exactMatch('c')).toBeUndefined();
    expect(
      Selector.fromLabels({ b: '1', a: '2' })
        .and(new Requirement('c', 'exists', []))
        .toString(),
    ).toBe('a=2,b=1,c');
  });

  it('parses what it writes', () => {
    const word = fc.stringMatching(/^[a-z]{1,3}$/);
    const requirement = fc.oneof(
      fc.tuple(word, fc.constantFrom('=', '==', '!='), word).map(([k, op, v]) => `${k}${op}${v}`),
      fc
        .tuple(word, fc.constantFrom('in', 'notin'), fc.uniqueArray(word, { minLength: 1 }))
        .map(([k, op, v]) => `${k} ${op} (${v.join(',')})`),
      word,
      word.map((k) => `!${k}`),
    );
    fc.assert(
      fc.property(fc.array(requirement), fc.dictionary(word, word), (requirements, labels) => {
        const selector = parseSelector(requirements.join(','));
        const again = parseSelector(selector.toString());
        expect(again.toString()).toBe(selector.toString());
        expect(again.matches(labels)).toBe(selector.matches(labels));
      }),
    );
  });
});

describe('LabelSelector objects', () => {
  it('compiles', () => {
    expect(compileLabelSelector(undefined).selectsNothing).toBe(true);
    expect(compileLabelSelector({}).empty).toBe(true);
    const selector = compileLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    expect(selector.toString()).toBe('app=web,!old,tier in (a,b)');
    expect(selector.matches({ app: 'web', tier: 'a' })).toBe(true);
    expect(selector.matches({ app: 'web', tier: 'c' })).toBe(false);
    expect(() => compileLabelSelector({ matchExpressions: [{ key: 'a', operator: 'X' }] })).toThrow(
      '"X" is not a valid label selector operator',
    );
    expect(formatLabelSelector({})).toBe('<none>');
    expect(formatLabelSelector({ matchExpressions: [{ key: 'a', operator: 'X' }] })).toBe('<error>');
  });

  it('validates', () => {
    const errors = validateLabelSelector(
      {
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'a', operator: 'Exists', values: ['b'] },
          { key: 'a', operator: 'Is' },
        ],
      },
      Path.of('spec', 'selector'),
    );
    expect(errors.map(fieldErrorText)).toEqual([
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Is": not a valid selector operator',
    ]);
  });
});

describe('field selectors', () => {
  it('parses and matches', () => {
    const selector = parseFieldSelector('spec.nodeName!=n1,metadata.name=a,,status.phase==Running');
    expect(selector.toString()).toBe('metadata.name=a,spec.nodeName!=n1,status.phase=Running');
    expect(selector.matches({ 'metadata.name': 'a', 'status.phase': 'Running' })).toBe(true);
    expect(selector.matches({ 'metadata.name': 'a', 'status.phase': 'Running', 'spec.nodeName': 'n1' })).toBe(false);
    expect(selector.exactMatch('metadata.name')).toBe('a');
    expect(selector.exactMatch('spec.nodeName')).toBeUndefined();
    expect(FieldSelector.everything.empty).toBe(true);
    expect(
      parseFieldSelector('a=b')
        .transform((f, v) => [`x.${f}`, v])
        .toString(),
    ).toBe('x.a=b');
  });

  it('refuses', () => {
    expect(() => parseFieldSelector('a')).toThrow("invalid selector: 'a'; can't understand 'a'");
    expect(() => parseFieldSelector('a=b=c')).toThrow('invalid field selector: unescaped character in value: 61');
    expect(() => parseFieldSelector('a=\\x')).toThrow('invalid field selector: invalid escape sequence: \\x');
  });

  it('escapes', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(unescapeFieldValue(escapeFieldValue(value))).toBe(value);
        expect(parseFieldSelector(`f=${escapeFieldValue(value)}`).matches({ f: value })).toBe(true);
      }),
    );
  });
});
