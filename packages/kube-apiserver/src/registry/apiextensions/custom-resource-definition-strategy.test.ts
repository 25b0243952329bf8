import { describe, expect, it } from 'vitest';
import {
  changed,
  created,
  createErrors,
  decoded,
  strategyContext,
  updated,
  updateErrors,
  type Change,
} from '../testing/strategy-check.ts';
import type { Strategy } from '../strategy.ts';
import { customResourceDefinitionStrategy } from './custom-resource-definition-strategy.ts';

const strategy = customResourceDefinitionStrategy as Strategy;
const spec = {
  type: 'object',
  properties: { replicas: { type: 'integer' }, size: { type: 'string', default: 'small' } },
};
const version = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
};
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'crontabs', kind: 'CronTab', shortNames: ['ct'] },
    scope: 'Namespaced',
    versions: [version],
  },
};
const versionWith = (value: object): Change => ['spec.versions', [{ ...version, ...value }]];
/** A schema in the place of `spec`. */
const schema = (value: object): Change =>
  versionWith({ schema: { openAPIV3Schema: { type: 'object', properties: { spec: value } } } });
const root = (value: object): Change => versionWith({ schema: { openAPIV3Schema: value } });
const v = 'spec.validation.openAPIV3Schema';
const s = `${v}.properties[spec]`;
const list = (value: object): Change => schema({ type: 'array', ...value });
const label = expect.stringContaining('a DNS-1035 label must') as string;

describe('custom resource definitions', () => {
  it.each<[Change, unknown[]]>([
    [['spec.scope', 'Cluster'], []],
    [
      ['metadata.name', 'a.example.com'],
      ['metadata.name: Invalid value: "a.example.com": must be spec.names.plural+"."+spec.group'],
    ],
    [['spec.scope', ''], ['spec.scope: Required value']],
    [['spec.scope', 'World'], ['spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"']],
    [
      ['spec.names.kind', 'Cron_Tab'],
      [
        label,
        expect.stringMatching(/^spec\.names\.kind: .* may have mixed case/),
        expect.stringMatching(/^spec\.names\.listKind: .* may have mixed case/),
      ],
    ],
    [
      ['spec.names.listKind', 'CronTab'],
      ['spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same'],
    ],
    [['spec.names.shortNames', ['C']], [label]],
    [['spec.names.categories', ['C']], [label]],
    [['spec.names.singular', 'C'], [label]],
    [
      ['spec.preserveUnknownFields', true],
      [expect.stringMatching(/^spec\.preserveUnknownFields: Invalid value: true: cannot set/)],
    ],
    [versionWith({ name: 'V1' }), [label]],
    [
      versionWith({ schema: undefined }),
      ['spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
    ],
    [
      versionWith({ storage: false }),
      [
        expect.stringMatching(/^spec\.versions: .*: must have exactly one version marked as storage version$/),
        'status.storedVersions: Invalid value: []: must have at least one stored version',
      ],
    ],
    [
      ['spec.versions', [version, { ...version, storage: false }]],
      [expect.stringMatching(/^spec\.versions: .*: must contain unique version names$/)],
    ],
    [
      versionWith({ deprecationWarning: 'old' }),
      ['spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions'],
    ],
    [
      versionWith({ deprecated: true, deprecationWarning: '' }),
      ['spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string'],
    ],
    [
      versionWith({ deprecated: true, deprecationWarning: 'a\nb' }),
      [
        'spec.versions[0].deprecationWarning: Invalid value: "a\\nb": must only contain printable UTF-8 characters; non-printable character found at index 1',
      ],
    ],
    [
      versionWith({ additionalPrinterColumns: [{}, { name: 'a', type: 'text', format: 'x', jsonPath: 'spec' }] }),
      [
        'spec.additionalPrinterColumns[0].name: Required value',
        'spec.additionalPrinterColumns[0].type: Required value: must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[0].JSONPath: Required value',
        'spec.additionalPrinterColumns[1].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
        'spec.additionalPrinterColumns[1].format: Invalid value: "x": must be one of byte,date,date-time,double,float,int32,int64,password',
        'spec.additionalPrinterColumns[1].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
      ],
    ],
    [
      versionWith({ subresources: { scale: { statusReplicasPath: '.spec.a', labelSelectorPath: '.a' } } }),
      [
        'spec.subresources.scale.specReplicasPath: Required value',
        'spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.a": should be a json path under .status',
        'spec.subresources.scale.labelSelectorPath: Invalid value: ".a": should be a json path under either .spec or .status',
      ],
    ],
    [
      versionWith({
        selectableFields: [{}, { jsonPath: '.spec.size' }, { jsonPath: '.spec.size' }, { jsonPath: '.spec' }],
      }),
      [
        'spec.selectableFields[0].jsonPath: Required value',
        'spec.selectableFields[2].jsonPath: Duplicate value: ".spec.size"',
        expect.stringContaining('must point to a field of type string, boolean or integer'),
      ],
    ],
    [
      versionWith({ selectableFields: [{ jsonPath: '.spec.nothing' }] }),
      [expect.stringMatching(/^spec\.selectableFields\[0\]\.jsonPath: .* is an invalid path/)],
    ],
    [
      ['spec.conversion', { strategy: 'Magic' }],
      ['spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"'],
    ],
    [
      ['spec.conversion', { strategy: 'Webhook' }],
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Required value',
      ],
    ],
    [
      ['spec.conversion', { strategy: 'Webhook', webhook: { clientConfig: {}, conversionReviewVersions: ['v9'] } }],
      [
        'spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required',
        'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      ['spec.conversion', { strategy: 'None', webhook: { clientConfig: {}, conversionReviewVersions: ['v1'] } }],
      [
        'spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook',
        'spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook',
      ],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(crd, change))).toEqual(errors);
  });

  it('an empty one names what is missing', () => {
    const errors = createErrors(strategy, { ...crd, metadata: { name: '.' }, spec: {} });
    expect(errors).toEqual(
      expect.arrayContaining([
        'spec.group: Required value',
        'spec.scope: Required value',
        'spec.names.plural: Required value',
        'spec.names.singular: Required value',
        'spec.names.kind: Required value',
        'spec.names.listKind: Required value',
      ]),
    );
  });

  it('different schemas are named by version', () => {
    const other = { ...version, name: 'v2', storage: false, schema: { openAPIV3Schema: { type: 'string' } } };
    expect(createErrors(strategy, changed(crd, ['spec.versions', [version, other]]))).toEqual([
      'spec.versions[1].schema.openAPIV3Schema.type: Invalid value: "string": must be object at the root',
    ]);
  });

  it('groups of Kubernetes need approval', () => {
    const own = changed(crd, ['spec.group', 'x.k8s.io'], ['metadata.name', 'crontabs.x.k8s.io']);
    const approve = (value: string): object =>
      changed(own, ['metadata.annotations', { 'api-approved.kubernetes.io': value }]);
    const path = 'metadata.annotations[api-approved.kubernetes.io]';
    expect(createErrors(strategy, own)).toEqual([
      `${path}: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111`,
    ]);
    expect(createErrors(strategy, approve('yes'))).toEqual([expect.stringContaining(`${path}: Invalid value: "yes"`)]);
    expect(createErrors(strategy, approve('https://github.com/x/1'))).toEqual([]);
    expect(createErrors(strategy, approve('unapproved, for a test'))).toEqual([]);
    expect(updateErrors(strategy, created(strategy, own), created(strategy, own))).toEqual([]);
  });
});

describe('schemas', () => {
  it.each<[Change, unknown[]]>([
    [schema({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }), []],
    [schema({ type: 'object', additionalProperties: { type: 'string' } }), []],
    [root({}), [`${v}.type: Required value: must not be empty at the root`]],
    [
      root({ type: 'array', items: { type: 'string' } }),
      [`${v}.type: Invalid value: "array": must be object at the root`],
    ],
    [root({ type: 'object', nullable: true }), [`${v}.nullable: Forbidden: nullable cannot be true at the root`]],
    [
      root({ type: 'object', additionalProperties: true }),
      [`${v}.additionalProperties: Forbidden: must not be used at the root`],
    ],
    [
      root({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
      }),
      [
        `${v}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      root({ type: 'object', properties: { kind: { type: 'integer' }, metadata: { type: 'object', default: {} } } }),
      [
        `${v}.properties[metadata].default: Forbidden: must not be set in top-level metadata`,
        `${v}.properties[kind].type: Invalid value: "integer": must be string`,
      ],
    ],
    [schema({}), [`${s}.type: Required value: must not be empty for specified object fields`]],
    [schema({ type: 'array' }), [`${s}.items: Required value: must be specified`]],
    [
      schema({ type: 'array', items: {} }),
      [`${s}.items.type: Required value: must not be empty for specified array items`],
    ],
    [
      schema({ type: 'text' }),
      [
        `${s}.type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [schema({ type: 'string', $ref: 'x' }), [`${s}.$ref: Forbidden: $ref is not supported`]],
    [
      schema({ type: 'array', uniqueItems: true, items: { type: 'string' } }),
      [`${s}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
    ],
    [
      schema({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }),
      [`${s}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      schema({ type: 'array', items: [{ type: 'string' }] }),
      [
        `${s}.items: Forbidden: items must be a schema object and not an array`,
        `${s}.items: Required value: must be specified`,
      ],
    ],
    [
      schema({ type: 'string', anyOf: [{ type: 'string', description: 'x' }] }),
      [
        `${s}.anyOf[0].description: Forbidden: must be empty to be structural`,
        `${s}.anyOf[0].type: Forbidden: must be empty to be structural`,
      ],
    ],
    [
      schema({ type: 'object', oneOf: [{ properties: { a: { minLength: 1 } } }] }),
      [`${s}.properties[a]: Required value: because it is defined in ${s}.oneOf[0].properties[a]`],
    ],
    [schema({ type: 'string', pattern: '(?i)^(?P<a>b)(?s:c)\\z$' }), []],
    [
      schema({ type: 'string', pattern: '(' }),
      [expect.stringMatching(/must be a valid regular expression, but isn't/)],
    ],
    [
      schema({ type: 'object', 'x-kubernetes-embedded-resource': true }),
      [
        `${s}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
      ],
    ],
    [
      schema({ 'x-kubernetes-preserve-unknown-fields': false, type: 'object' }),
      [`${s}.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
    ],
    [
      schema({ type: 'string', 'x-kubernetes-map-type': 'loose' }),
      [
        `${s}.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified`,
        `${s}.x-kubernetes-map-type: Unsupported value: "loose": supported values: "atomic", "granular"`,
      ],
    ],
    [
      list({ items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }),
      [
        `${s}.items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
      ],
    ],
    [
      list({ items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' }),
      [`${s}.x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`],
    ],
    [
      list({ items: { type: 'string', nullable: true }, 'x-kubernetes-list-type': 'set' }),
      [`${s}.items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set`],
    ],
    [
      list({ items: { type: 'string' }, 'x-kubernetes-list-map-keys': ['a'] }),
      [`${s}.x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`],
    ],
    [
      list({ items: { type: 'string' }, 'x-kubernetes-list-type': 'map' }),
      [
        `${s}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
        `${s}.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
      ],
    ],
    [
      list({
        items: { type: 'object', properties: { protocol: { type: 'string' } } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['protocol', 'port'],
      }),
      [
        `${s}.x-kubernetes-list-map-keys: Invalid value: ["protocol","port"]: entries must all be names of item properties`,
        `${s}.items.properties[protocol].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      schema({ type: 'integer', default: 'x' }),
      [`${s}.default: Invalid value: "string": ${s}.default in body must be of type integer: "string"`],
    ],
    [
      schema({ type: 'string', default: 'c', enum: ['a', 'b'] }),
      [`${s}.default: Unsupported value: "c": supported values: "a", "b"`],
    ],
    [
      schema({ type: 'object', required: ['a'], properties: { a: { type: 'string' } }, default: { b: 1 } }),
      [`${s}.default.a: Required value`, `${s}.default: Invalid value: {"b":1}: must not have unknown fields`],
    ],
    [
      schema({
        type: 'string',
        'x-kubernetes-validations': [{}, { rule: 'a\nb' }, { rule: 'a', message: 'x\ny', reason: 'No' }],
      }),
      [
        `${s}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
        `${s}.x-kubernetes-validations[1].message: Required value: message must be specified if rule contains line breaks`,
        `${s}.x-kubernetes-validations[2].message: Invalid value: "x\\ny": message must not contain line breaks`,
        `${s}.x-kubernetes-validations[2].reason: Unsupported value: "No": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      ],
    ],
    [
      versionWith({
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', anyOf: [{ required: ['a'] }] } },
      }),
      [expect.stringMatching(/only \[Description Type .* XValidations\] fields are allowed at the root of the schema/)],
    ],
  ])('%j', (change, errors) => {
    expect(createErrors(strategy, changed(crd, change))).toEqual(errors);
  });

  it('of any shape do not make the server stumble', () => {
    for (const value of [5, 'x', null, [], [5], { properties: 5 }, { items: 5, allOf: 5 }, { required: 5, enum: 5 }]) {
      const errors = createErrors(strategy, changed(crd, schema({ type: 'array', items: value })));
      expect(errors.length).toBeGreaterThan(0);
    }
  });

  it('with unknown formats are worth a warning, once', () => {
    const object = created(strategy, changed(crd, schema({ type: 'string', format: 'poem' })));
    expect(strategy.warningsOnCreate?.(strategyContext, object)).toEqual(['unrecognized format "poem"']);
    expect(strategy.warningsOnUpdate?.(strategyContext, object, object)).toEqual([]);
  });
});

describe('updates of definitions', () => {
  const stored = created(strategy, crd);
  const established = changed(stored, ['status.conditions', [{ type: 'Established', status: 'True' }]]);

  it('are stored without conditions, and know their storage version', () => {
    expect(stored['status']).toEqual({
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: ['v1'],
    });
    expect(stored.metadata.generation).toBe(1);
  });

  it('remember every version that was stored', () => {
    const next = [
      { ...version, storage: false },
      { ...version, name: 'v2' },
    ];
    const object = changed(crd, ['spec.versions', next]);
    expect(updated(strategy, object, stored)['status']).toMatchObject({ storedVersions: ['v1', 'v2'] });
    expect(updated(strategy, object, stored).metadata.generation).toBe(2);
    expect((stored['status'] as { storedVersions: string[] }).storedVersions).toEqual(['v1']);
    expect(updateErrors(strategy, changed(crd, versionWith({ name: 'v2' })), stored)).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    ]);
  });

  it('keep what objects depend on', () => {
    const moved = changed(
      crd,
      ['spec.scope', 'Cluster'],
      ['spec.names.kind', 'Other'],
      ['spec.group', 'b.com'],
      ['spec.names.plural', 'others'],
    );
    const always = [
      'spec.group: Invalid value: "b.com": field is immutable',
      'spec.names.plural: Invalid value: "others": field is immutable',
    ];
    expect(updateErrors(strategy, moved, stored)).toEqual(always);
    expect(updateErrors(strategy, moved, established)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Other": field is immutable',
      ...always,
    ]);
  });

  it('may keep the faults of what is stored, as far as upstream lets them', () => {
    const keys = {
      type: 'array',
      items: { type: 'object', properties: { a: { type: 'string' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['a'],
    };
    const old = created(strategy, changed(crd, schema(keys)));
    expect(createErrors(strategy, old)).toHaveLength(1);
    expect(updateErrors(strategy, old, old)).toEqual([]);
  });

  it('of the status change the status', () => {
    const status = strategy.subresources['status']!;
    const object = changed(established, ['spec.scope', 'Cluster'], ['status.acceptedNames.plural', 'A']);
    expect(updated(status, object, stored)['spec']).toEqual(decoded(crd)['spec']);
    expect(updateErrors(status, object, stored)).toEqual([
      expect.stringMatching(/^status\.acceptedNames\.plural: Invalid value: "A": a DNS-1035 label/),
    ]);
  });
});
