import { describe, expect, it } from 'vitest';
import { negotiate, notAcceptable, wantsPretty, type Offer } from './negotiate.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

function chosen(header: string | undefined, offer: Offer = 'object'): string {
  const found = negotiate(header, offer);
  if (found === undefined) return 'none';
  return [found.format, found.transform?.kind, found.transform?.version].filter((x) => x !== undefined).join(' ');
}

describe('negotiate', () => {
  it.each([
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['*', 'json'],
    ['application/*', 'json'],
    ['application/yaml', 'yaml'],
    ['application/json', 'json'],
    ['application/vnd.kubernetes.protobuf', 'protobuf'],
    ['application/vnd.kubernetes.protobuf, application/json', 'protobuf'],
    ['application/vnd.kubernetes.protobuf,application/json;q=0.9', 'protobuf'],
    ['application/json;q=0.1,application/yaml;q=0.2', 'yaml'],
    ['text/html, */*', 'json'],
    ['*/*, application/yaml', 'yaml'],
    ['text/html', 'none'],
    ['json', 'none'],
    [table, 'json Table v1'],
    [`${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'json Table v1'],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'json Table v1beta1'],
    ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', 'json'],
    ['application/json;as=Table;v=v2;g=meta.k8s.io', 'none'],
    ['application/json;as=Chair;v=v1;g=meta.k8s.io,application/yaml', 'yaml'],
    ['application/yaml;as=Table;v=v1;g=meta.k8s.io', 'yaml Table v1'],
    [partial, 'json PartialObjectMetadata v1'],
    [
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      'protobuf PartialObjectMetadataList v1',
    ],
    ['application/json;stream=watch', 'none'],
  ])('%s gives %s', (header, expected) => {
    expect(chosen(header)).toBe(expected);
    // From memory this time.
    expect(chosen(header)).toBe(expected);
  });

  it('allows stream=watch for watches only, and never transforms what is plain', () => {
    expect(chosen('application/json;stream=watch', 'stream')).toBe('json');
    expect(chosen('application/json;stream=other', 'stream')).toBe('none');
    expect(chosen(table, 'plain')).toBe('none');
    expect(chosen(`${table},application/json`, 'plain')).toBe('json');
    expect(chosen(table, 'untabled')).toBe('none');
    expect(chosen(`${table},application/json`, 'untabled')).toBe('json');
  });

  it('says what it has', () => {
    expect(notAcceptable('object').status).toMatchObject({
      reason: 'NotAcceptable',
      code: 406,
      message:
        'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  });

  it.each([
    ['pretty=true', '', true],
    ['pretty=1', '', true],
    ['pretty=0', 'curl/8', false],
    ['pretty=no', 'curl/8', false],
    ['pretty=', 'curl/8', true],
    ['', 'curl/8.5.0', true],
    ['', 'Wget/1.2', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['', 'kubectl/v1.36.0', false],
  ])('query %s by %s: pretty %s', (query, agent, expected) => {
    expect(wantsPretty(query, new URLSearchParams(query), agent)).toBe(expected);
  });
});
