import type { Pod } from '@kubets/api/types/core-v1';
import { systemRandom } from '@kubets/apimachinery/system-clock';
import { describe, expect, it } from 'vitest';
import { parseDelay, sample } from './delay.ts';
import { behaviourOf, readStages } from './stages.ts';
import { parseStages } from './stages-file.ts';

const pod = (metadata: object = {}, image = 'nginx'): Pod => ({
  metadata: { name: 'p', namespace: 'ns', ...metadata },
  spec: { containers: [{ name: 'c', image }] },
});
const behaviour = (text: string, ...of: Parameters<typeof pod>) =>
  behaviourOf(pod(...of), parseStages(text), (problem) => {
    throw new Error(problem);
  });
const owner = (kind: string) => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name: 'o', uid: 'u', controller: true }],
});

describe('delays', () => {
  it.each([
    ['2s', { min: 2000, max: 2000 }],
    ['200ms..1m', { min: 200, max: 60_000 }],
    ['never', { min: Infinity, max: Infinity }],
  ])('%s', (text, expected) => expect(parseDelay(text)).toEqual(expected));

  it.each(['', '2', '3s..1s', '1s..2s..3s', '-1s'])('%j is none', (text) => {
    expect(() => parseDelay(text)).toThrow(/duration|delay/);
  });

  it('are drawn from their range', () => {
    const drawn = (part: number): number => sample({ min: 100, max: 200 }, { ...systemRandom, float: () => part });
    expect([drawn(0), drawn(0.5), drawn(1)]).toEqual([100, 150, 200]);
  });
});

describe('stages', () => {
  it('serve most pods by default; jobs end after a second; a missing image stays missing', () => {
    expect(behaviour('')).toMatchObject({ run: { min: Infinity }, image: 'present' });
    expect(behaviour('', owner('Job'))).toMatchObject({ run: { min: 1000 }, exitCodes: [0] });
    expect(behaviour('', owner('ReplicaSet'))).toMatchObject({ run: { min: Infinity } });
    expect(behaviour('', {}, 'nginx:missing').image).toBe('missing');
  });

  it.each([
    ['namespaces: [ns]', 'namespaces: [other]', {}],
    ["owners: ['']", 'owners: [Job]', {}],
    ["labels: 'a=b,!c'", 'labels: a notin (b)', { labels: { a: 'b' } }],
    ['annotations: {x: y}', 'annotations: {x: z}', { annotations: { x: 'y' } }],
    ["images: ['ng*']", "images: ['ng', 'n.*']", {}],
  ])('match by %s, not by %s', (yes, no, metadata) => {
    const text = (match: string): string => `stages: [{match: {${match}}, run: 7s}]`;
    expect(behaviour(text(yes), metadata).run.min).toBe(7000);
    expect(behaviour(text(no), metadata).run.min).toBe(Infinity);
  });

  it('are looked through in order, those of the file first', () => {
    const text = 'stages: [{match: {owners: [Job]}, run: 3s, exitCodes: [1, 0]}, {create: 2s}]';
    expect(behaviour(text, owner('Job'))).toMatchObject({
      run: { min: 3000 },
      exitCodes: [1, 0],
      create: { min: 200 },
    });
    expect(behaviour(text)).toMatchObject({ create: { min: 2000 } });
  });

  it('give way to annotations', () => {
    const annotations = { 'stages.kubets.dev/exitCodes': '3,0', 'stages.kubets.dev/run': '1s' };
    expect(behaviour('', { annotations })).toMatchObject({ exitCodes: [3, 0], run: { min: 1000 } });
    const problems: string[] = [];
    const bad = pod({ annotations: { 'stages.kubets.dev/run': 'soon', 'stages.kubets.dev/colour': 'red' } });
    expect(behaviourOf(bad, readStages(undefined), (problem) => problems.push(problem)).run.min).toBe(Infinity);
    expect(problems).toEqual(['annotations.run: time: invalid duration "soon"', 'annotations: unknown field "colour"']);
  });

  it.each([
    ['[]', 'the file is no map'],
    ['pods: []', 'unknown field "pods"'],
    ['stages: 3', 'stages is no list'],
    ['stages: [3]', 'stages[0] is no map'],
    ['stages: [{colour: red}]', 'stages[0]: unknown field "colour"'],
    ['stages: [{match: {colour: red}}]', 'stages[0].match: unknown field "colour"'],
    ['stages: [{match: {labels: "a b"}}]', 'unable to parse requirement'],
    ['stages: [{}, {run: 3}]', 'stages[1].run: the value is no text'],
    ['stages: [{exitCodes: [256]}]', 'stages[0].exitCodes: 256 is no exit code'],
    ['stages: [{exitCodes: []}]', 'stages[0].exitCodes: is no list of exit codes'],
    ['stages: [{image: gone}]', 'stages[0].image: is neither present nor missing'],
  ])('%s is refused', (text, message) => {
    expect(() => parseStages(text)).toThrow(message);
  });
});
