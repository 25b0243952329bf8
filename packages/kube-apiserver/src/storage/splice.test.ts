import { describe, expect, it } from 'vitest';
import { replaceResourceVersion, spliceResourceVersion } from './splice.ts';

const splice = (json: string): string => spliceResourceVersion(Buffer.from(json), 42).toString();

describe('resource versions in stored JSON', () => {
  it('stand behind the uid', () => {
    expect(splice('{"kind":"A","metadata":{"name":"a","uid":"u","labels":{"uid":"x"}},"spec":{}}')).toBe(
      '{"kind":"A","metadata":{"name":"a","uid":"u","resourceVersion":"42","labels":{"uid":"x"}},"spec":{}}',
    );
  });

  it('are not led astray by names', () => {
    const name = '","uid":"fake';
    const json = JSON.stringify({ kind: 'A', metadata: { name, uid: 'real' } });
    expect(JSON.parse(splice(json))).toEqual({ kind: 'A', metadata: { name, uid: 'real', resourceVersion: '42' } });
  });

  it('stand first without a uid', () => {
    expect(splice('{"metadata":{}}')).toBe('{"metadata":{"resourceVersion":"42"}}');
    expect(splice('{"metadata":{"name":"é"}}')).toBe('{"metadata":{"resourceVersion":"42","name":"é"}}');
  });

  it('are replaced', () => {
    const json = Buffer.from('{"metadata":{"uid":"u","resourceVersion":"7","name":"é"}}');
    expect(replaceResourceVersion(json, 7, 1234).toString()).toBe(
      '{"metadata":{"uid":"u","resourceVersion":"1234","name":"é"}}',
    );
  });

  it('fail loudly where there is no metadata', () => {
    expect(() => splice('{}')).toThrow('no metadata');
    expect(() => replaceResourceVersion(Buffer.from('{}'), 1, 2)).toThrow('no resourceVersion');
  });
});
