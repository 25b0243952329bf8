import { describe, expect, it } from 'vitest';
import type { ConfigMap, Secret } from '../../generated/types/core-v1.ts';
import { validateConfigMap, validateConfigMapUpdate } from './config-map.ts';
import { changed, texts } from './resource-names-testing.ts';
import { validateSecret, validateSecretUpdate } from './secret.ts';

const meta = { name: 'a', namespace: 'default' };
const configMap: ConfigMap = { metadata: meta, data: { key: 'value' }, binaryData: { other: 'AAAA' } };
const badKey = (key: string): string =>
  `Invalid value: "${key}": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;
const sealed = 'Forbidden: field is immutable when `immutable` is set';

describe('config maps', () => {
  it('accepts a valid one', () => {
    expect(validateConfigMap(configMap)).toEqual([]);
    expect(validateConfigMapUpdate(changed(configMap, { 'data.key': 'b' }), configMap)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['a bad key', { 'data[a b]': '' }, [`data[a b]: ${badKey('a b')}`]],
    ['a parent directory', { 'data[..]': '' }, [`data[..]: Invalid value: "..": must not be '..'`]],
    ['a bad binary key', { 'binaryData[a b]': '' }, [`binaryData[a b]: ${badKey('a b')}`]],
    [
      'the same key twice',
      { 'binaryData.key': '' },
      [
        'data[key]: Invalid value: "key": duplicate of key present in binaryData',
        'binaryData[key]: Invalid value: "key": duplicate of key present in data',
      ],
    ],
    ['too much', { 'data.key': 'é'.repeat(524_288) }, ['[]: Too long: may not be more than 1048576 bytes']],
  ])('refuses %s', (_what, changes, expected) => {
    expect(texts(validateConfigMap(changed(configMap, changes)))).toEqual(expected);
  });

  it('keeps immutable ones', () => {
    const old = changed(configMap, { immutable: true });
    expect(texts(validateConfigMapUpdate(old, old))).toEqual([]);
    expect(texts(validateConfigMapUpdate(changed(old, { 'data.key': 'b', binaryData: undefined }), old))).toEqual([
      `data: ${sealed}`,
      `binaryData: ${sealed}`,
    ]);
    expect(texts(validateConfigMapUpdate(configMap, old))).toEqual([`immutable: ${sealed}`]);
  });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret: Secret = { metadata: meta, data: { key: 'AAAA' }, type: 'Opaque' };

describe('secrets', () => {
  it('accepts valid ones', () => {
    expect(validateSecret(secret)).toEqual([]);
    expect(validateSecret({ metadata: meta, type: 'example.com/own' })).toEqual([]);
    const docker = { '.dockerconfigjson': base64('{"auths":{}}') };
    expect(validateSecret({ metadata: meta, type: 'kubernetes.io/dockerconfigjson', data: docker })).toEqual([]);
    expect(validateSecret({ metadata: meta, type: 'kubernetes.io/basic-auth', data: { password: '' } })).toEqual([]);
  });

  const account = 'kubernetes.io/service-account.name';
  it.each<[string, Secret['data'], string[]]>([
    ['Opaque', { 'a/b': '' }, [`data[a/b]: ${badKey('a/b')}`]],
    ['Opaque', { a: base64('x'.repeat(1_048_577)) }, ['data: Too long: may not be more than 1048576 bytes']],
    ['kubernetes.io/service-account-token', {}, [`metadata.annotations[${account}]: Required value`]],
    ['kubernetes.io/dockercfg', {}, ['data[.dockercfg]: Required value']],
    [
      'kubernetes.io/dockercfg',
      { '.dockercfg': base64('x') },
      [
        `data[.dockercfg]: Invalid value: "<secret contents redacted>": invalid character 'x' looking for beginning of value`,
      ],
    ],
    [
      'kubernetes.io/dockerconfigjson',
      { '.dockerconfigjson': base64('[]') },
      [
        'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
      ],
    ],
    ['kubernetes.io/basic-auth', {}, ['data[username]: Required value', 'data[password]: Required value']],
    ['kubernetes.io/ssh-auth', { 'ssh-privatekey': '' }, ['data[ssh-privatekey]: Required value']],
    ['kubernetes.io/tls', {}, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  ])('of type %s needs its keys', (type, data, expected) => {
    expect(texts(validateSecret({ metadata: meta, type, data: data ?? {} }))).toEqual(expected);
  });

  it('keeps its type, and its data when it is immutable', () => {
    expect(texts(validateSecretUpdate(changed(secret, { type: 'x' }), secret))).toEqual([
      'type: Invalid value: "x": field is immutable',
    ]);
    const old = changed(secret, { immutable: true });
    expect(texts(validateSecretUpdate(changed(secret, { 'data.key': 'BBBB' }), old))).toEqual([
      `immutable: ${sealed}`,
      `data: ${sealed}`,
    ]);
  });
});
