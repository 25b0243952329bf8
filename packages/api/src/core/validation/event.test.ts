import { describe, expect, it } from 'vitest';
import type { Event } from '../../generated/types/core-v1.ts';
import { validateEventCreate, validateEventUpdate } from './event.ts';
import { changed, texts } from './resource-names-testing.ts';

const legacy: Event = {
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  count: 1,
};
const event: Event = {
  metadata: { name: 'e', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
  reason: 'Started',
  message: 'm',
  type: 'Normal',
  eventTime: '2026-01-01T00:00:00.000000Z',
  action: 'Start',
  reportingComponent: 'example.com/c',
  reportingInstance: 'c-1',
};
const long = 'x'.repeat(129);

describe('events', () => {
  it('accepts valid ones', () => {
    expect(validateEventCreate(legacy, 'core')).toEqual([]);
    expect(validateEventCreate(event, 'core')).toEqual([]);
    expect(validateEventCreate(event, 'events.k8s.io')).toEqual([]);
  });

  it('have the namespace of what they are about', () => {
    const error = (value: string): string[] => [
      `involvedObject.namespace: Invalid value: "${value}": does not match event.namespace`,
    ];
    const set = (about: string, own: string): Event =>
      changed(legacy, { 'involvedObject.namespace': about, 'metadata.namespace': own });
    expect(texts(validateEventCreate(set('a', 'b'), 'core'))).toEqual(error('a'));
    expect(texts(validateEventCreate(set('', 'b'), 'core'))).toEqual(error(''));
    expect(texts(validateEventCreate(set('', 'default'), 'core'))).toEqual([]);
    const cluster = changed(event, { 'involvedObject.namespace': '', 'metadata.namespace': 'kube-system' });
    expect(texts(validateEventCreate(cluster, 'core'))).toEqual([]);
    expect(texts(validateEventCreate(changed(cluster, { 'metadata.namespace': 'x' }), 'core'))).toEqual(error(''));
  });

  it.each<[Record<string, unknown>, string[]]>([
    [{ reportingInstance: '' }, ['reportingInstance: Required value']],
    [{ reportingInstance: long }, ['reportingInstance: Invalid value: "": can have at most 128 characters']],
    [{ action: '' }, ['action: Required value']],
    [{ action: long }, ['action: Invalid value: "": can have at most 128 characters']],
    [{ reason: '' }, ['reason: Required value']],
    [{ message: 'x'.repeat(1025) }, ['message: Invalid value: "": can have at most 1024 characters']],
    [{ eventTime: undefined }, ['eventTime: Required value']],
    [{ type: 'Odd' }, ['type: Invalid value: "": has invalid value: Odd']],
    [{ firstTimestamp: 't' }, ['firstTimestamp: Invalid value: "": needs to be unset']],
    [{ lastTimestamp: 't' }, ['lastTimestamp: Invalid value: "": needs to be unset']],
    [{ count: 1 }, ['count: Invalid value: "": needs to be unset']],
    [{ 'source.host': 'h' }, ['source: Invalid value: "": needs to be unset']],
    [
      { series: { count: 1 } },
      ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value'],
    ],
  ])('of events.k8s.io refuses %j', (changes, expected) => {
    expect(texts(validateEventCreate(changed(event, changes), 'events.k8s.io'))).toEqual(expected);
  });

  it('names the reporter as the API does', () => {
    const odd = changed(event, { reportingComponent: '' });
    expect(texts(validateEventCreate(odd, 'core'))[0]).toBe('reportingComponent: Required value');
    expect(texts(validateEventCreate(odd, 'events.k8s.io'))[0]).toBe('reportingController: Required value');
  });

  it('of events.k8s.io change their series only', () => {
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
    expect(validateEventUpdate(changed(event, { series }), event, 'events.k8s.io')).toEqual([]);
    expect(texts(validateEventUpdate(changed(event, { reason: 'Other' }), event, 'events.k8s.io'))).toEqual([
      'reason: Invalid value: "Other": field is immutable',
    ]);
    expect(validateEventUpdate(changed(event, { reason: 'Other' }), event, 'core')).toEqual([]);
  });
});
