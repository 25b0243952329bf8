/** Writes the tables that are not types: resources, kinds, defaults, bootstrap objects, feature gates and the like. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { stringModule } from './emit-schemas.ts';
import { fileOf, readJson, referenceFolder, shortNameOf, type ModelPackage } from './model.ts';

const yamlFact = (path: string): unknown => parse(readFileSync(join(referenceFolder, path), 'utf8'));

function withoutVersion<T>(name: string): T {
  const { version: _version, ...rest } = readJson<Record<string, unknown>>(name);
  return rest as T;
}

/** Kinds that the reference names without group and version, because no path publishes them. */
const unpublished: [group: string, version: string, file: string, kinds: string[]][] = [
  ['', 'v1', 'meta-v1', ['CreateOptions', 'UpdateOptions', 'PatchOptions', 'GetOptions', 'ListOptions']],
  [
    'meta.k8s.io',
    'v1',
    'meta-v1',
    ['CreateOptions', 'UpdateOptions', 'PatchOptions', 'GetOptions', 'ListOptions', 'TableOptions'],
  ],
  ['meta.k8s.io', 'v1', 'meta-v1', ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']],
  [
    '',
    'v1',
    'core-v1',
    ['NodeProxyOptions', 'PodAttachOptions', 'PodExecOptions', 'PodLogOptions', 'PodPortForwardOptions'],
  ],
  [
    '',
    'v1',
    'core-v1',
    ['PodProxyOptions', 'PodStatusResult', 'RangeAllocation', 'SerializedReference', 'ServiceProxyOptions', 'List'],
  ],
  ['apidiscovery.k8s.io', 'v2', 'apidiscovery-v2', ['APIGroupDiscovery', 'APIGroupDiscoveryList']],
  ['audit.k8s.io', 'v1', 'audit-v1', ['Event', 'EventList', 'Policy', 'PolicyList']],
  ['metrics.k8s.io', 'v1beta1', 'metrics-v1beta1', ['NodeMetrics', 'NodeMetricsList', 'PodMetrics', 'PodMetricsList']],
];

/** Every kind of the kept packages: `[group, version, kind, "file.Type"]`. */
function kinds(packages: readonly ModelPackage[]): unknown[] {
  const rows = packages.flatMap((pkg) =>
    pkg.types.flatMap((type) =>
      (type.definition.gvk ?? []).map((gvk) => [gvk.group, gvk.version, gvk.kind, `${pkg.file}.${type.shortName}`]),
    ),
  );
  const named = new Set(rows.map(([group, version, kind]) => `${group}/${version}/${kind}`));
  for (const [group, version, file, names] of unpublished) {
    for (const kind of names) {
      if (!named.has(`${group}/${version}/${kind}`)) rows.push([group, version, kind, `${file}.${kind}`]);
    }
  }
  return rows.sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

interface Defaults {
  types: Record<string, unknown>;
  kinds: Record<string, unknown>;
}

/** The defaulting facts of the kept packages, keyed by `file.Type`. */
function defaults(packages: readonly ModelPackage[]): Defaults {
  const all = readJson<Defaults>('defaults.json');
  const names = new Set(packages.map((pkg) => pkg.name));
  const pick = (table: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(table)
        .filter(([name]) => names.has(name.slice(0, name.lastIndexOf('.'))))
        .map(([name, value]) => [`${fileOf(name)}.${shortNameOf(name)}`, value]),
    );
  return { types: pick(all.types), kinds: pick(all.kinds) };
}

const rbacFiles = [
  'cluster-roles',
  'cluster-roles-featuregates',
  'cluster-role-bindings',
  'controller-roles',
  'controller-role-bindings',
  'namespace-roles',
  'namespace-role-bindings',
];

function rbac(): Record<string, unknown> {
  return Object.fromEntries(
    rbacFiles.map((name) => [name, (yamlFact(`rbac-bootstrap/${name}.yaml`) as { items: unknown }).items]),
  );
}

/** One line per entry of the outermost list or object, so that changes read well. */
function lines(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((v) => JSON.stringify(v)).join(',\n')}]`;
  const entries = Object.entries(value as object).map(
    ([k, v]) => `${JSON.stringify(k)}:${Array.isArray(v) ? lines(v) : JSON.stringify(v)}`,
  );
  return `{${entries.join(',\n')}}`;
}

/** File name to contents of `generated/facts`. */
export function emitFacts(packages: readonly ModelPackage[]): Record<string, string> {
  const facts: Record<string, unknown> = {
    resources: readJson<{ groupVersions: unknown[] }>('api-resources.json').groupVersions,
    kinds: kinds(packages),
    defaults: defaults(packages),
    flowcontrol: withoutVersion('flowcontrol-bootstrap.json'),
    rbac: rbac(),
    'feature-gates': readJson<{ gates: unknown[] }>('feature-gates.json').gates,
    'admission-plugins': readJson<{ order: unknown[] }>('admission-plugins.json').order,
    'table-columns': withoutVersion('table-columns.json'),
    'well-known-names': withoutVersion('well-known-names.json'),
    'stable-metrics': (yamlFact('metrics-stable.yaml') as { metrics: unknown[] }).metrics,
  };
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`${name}.ts`, stringModule('json', lines(value))]),
  );
}
