import { describe, expect, it } from 'vitest';
import { ApiFixture } from '../../testing/api-fixture.ts';

const body = {
  metadata: { name: 'e' },
  regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
  type: 'Normal',
  reason: 'Started',
  action: 'Start',
  eventTime: '2026-01-02T03:04:05.000006Z',
  reportingController: 'example.com/controller',
  reportingInstance: 'one',
};

describe('field selectors of events', () => {
  it.each([
    ['/apis/events.k8s.io/v1', 'reportingController=example.com/controller'],
    ['/apis/events.k8s.io/v1', 'regarding.name=web,regarding.kind=Pod'],
    ['/apis/events.k8s.io/v1', 'type=Normal,reason=Started'],
    ['/api/v1', 'reportingComponent=example.com/controller'],
    ['/api/v1', 'source=example.com/controller'],
    ['/api/v1', 'involvedObject.name=web,involvedObject.kind=Pod'],
  ])('%s finds an event by %s', async (base, selector) => {
    await using api = await ApiFixture.open();
    await api.ok('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { body });
    const path = `${base}/namespaces/default/events?fieldSelector=`;
    expect((await api.ok('GET', path + encodeURIComponent(selector)))['items']).toHaveLength(1);
    expect((await api.ok('GET', path + encodeURIComponent(`${selector},type!=Normal`)))['items']).toEqual([]);
  });
});
