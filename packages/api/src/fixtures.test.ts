/** Every object of the reference's test data through every codec. Skipped where the reference is not at hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '@kubets/apimachinery/codec/yaml';
import { encodeYaml } from '@kubets/apimachinery/codec/yaml';
import { parseApiVersion } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import { kindInfo, type KindInfo } from './scheme.ts';

const folder = join(import.meta.dirname, '../../../../shared/reference/testdata/api');
const present = existsSync(folder);

interface Fixture {
  readonly name: string;
  readonly object: { kind: string; apiVersion?: string };
  readonly info: KindInfo | undefined;
  readonly yaml: string;
  readonly protobuf: Uint8Array;
}

function read(name: string): Fixture {
  const object = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Fixture['object'];
  const gv = parseApiVersion(object.apiVersion ?? '');
  const info = gv === undefined ? undefined : kindInfo({ ...gv, kind: object.kind });
  const yaml = readFileSync(join(folder, `${name}.yaml`), 'utf8');
  return { name, object, info, yaml, protobuf: new Uint8Array(readFileSync(join(folder, `${name}.pb`))) };
}

const fixtures = present
  ? readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => read(file.slice(0, -'.json'.length)))
  : [];
/** Fixtures without a kind here, and why. */
const exceptions: readonly RegExp[] = [
  // Versions that 1.36 no longer serves and the facts no longer describe.
  /^(apps|extensions|batch|policy|rbac|events|node|discovery|scheduling|storage|networking|flowcontrol|authentication|authorization|coordination|certificates|admissionregistration)[\w.]*\.v\d+beta\d\./,
  /^apidiscovery\.k8s\.io\.v2beta1\./,
  // Sent to webhooks, never by or to a resource.
  /^admission\.k8s\.io\./,
  // Has no kind and apiVersion of its own; tested with the watch encoding.
  /^core\.v1\.WatchEvent$/,
];
const known = fixtures.filter((fixture): fixture is Fixture & { info: KindInfo } => fixture.info !== undefined);

describe.skipIf(!present)('fixtures', () => {
  it('knows every kind that the 1.36 server knows', () => {
    const unknown = fixtures.filter((fixture) => fixture.info === undefined).map((fixture) => fixture.name);
    expect(unknown.filter((name) => !exceptions.some((pattern) => pattern.test(name)))).toEqual([]);
  });

  it.each(known.map((fixture) => [fixture.name, fixture] as const))('%s', (_name, { info, object, yaml, protobuf }) => {
    const text = JSON.stringify(object);
    const { object: decoded, strictErrors } = info.decodeStrict(JSON.parse(text), text);
    expect(strictErrors).toEqual([]);
    expect(decoded).toEqual(object);
    expect(JSON.stringify(decoded)).toBe(text);
    expect(info.decode(parseYaml(yaml).value)).toEqual(object);
    expect(info.decode(parseYaml(encodeYaml(object)).value)).toEqual(object);
    expect(info.decodeProtobuf(protobuf)).toEqual(object);
    expect(Buffer.from(info.encodeProtobuf(decoded)).equals(protobuf)).toBe(true);
  });
});
