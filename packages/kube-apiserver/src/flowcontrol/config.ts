/**
 * FlowSchemas and PriorityLevelConfigurations as the server uses them
 * (`flowcontrol.apiserver.k8s.io/v1`; `apiserver/pkg/util/flowcontrol/apf_controller.go`, `rule.go`).
 */
import type { ApiObject } from '@kubets/apimachinery/meta';

export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount' | (string & {});
  readonly user?: { readonly name: string };
  readonly group?: { readonly name: string };
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly clusterScope?: boolean;
  readonly namespaces?: readonly string[];
}

export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface RulesWithSubjects {
  readonly subjects: readonly Subject[];
  readonly resourceRules?: readonly ResourceRule[];
  readonly nonResourceRules?: readonly NonResourceRule[];
}

export interface FlowSchemaSpec {
  readonly priorityLevelConfiguration: { readonly name: string };
  readonly matchingPrecedence?: number;
  readonly distinguisherMethod?: { readonly type: string } | null;
  readonly rules?: readonly RulesWithSubjects[];
}

export interface FlowSchemaConfig {
  readonly name: string;
  readonly uid: string;
  readonly spec: FlowSchemaSpec;
}

export interface QueuingConfig {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

export interface PriorityLevelConfig {
  readonly name: string;
  readonly uid: string;
  readonly exempt: boolean;
  readonly shares: number;
  /** Percent of its nominal seats that others may use. */
  readonly lendablePercent: number;
  /** Percent of its nominal seats that it may take from others; undefined: no limit. */
  readonly borrowingLimitPercent: number | undefined;
  /** Undefined: what finds no seat is rejected at once. */
  readonly queuing: QueuingConfig | undefined;
}

interface LimitedSpec {
  readonly nominalConcurrencyShares?: number | null;
  readonly lendablePercent?: number | null;
  readonly borrowingLimitPercent?: number | null;
  readonly limitResponse?: { readonly type?: string; readonly queuing?: Partial<QueuingConfig> | null };
}

interface PriorityLevelSpec {
  readonly type?: string;
  readonly limited?: LimitedSpec | null;
  readonly exempt?: {
    readonly nominalConcurrencyShares?: number | null;
    readonly lendablePercent?: number | null;
  } | null;
}

/** Defaults as `pkg/apis/flowcontrol/v1/defaults.go` sets them, for objects that lack them. */
function queuingOf(response: LimitedSpec['limitResponse']): QueuingConfig | undefined {
  if (response?.type !== 'Queue') return undefined;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = response.queuing ?? {};
  return { queues, handSize, queueLengthLimit };
}

export function priorityLevelOf(object: Readonly<ApiObject>): PriorityLevelConfig {
  const spec = (object['spec'] ?? {}) as PriorityLevelSpec;
  const exempt = spec.type === 'Exempt';
  const limited: LimitedSpec = (exempt ? spec.exempt : spec.limited) ?? {};
  return {
    name: object.metadata.name ?? '',
    uid: object.metadata.uid ?? '',
    exempt,
    shares: limited.nominalConcurrencyShares ?? (exempt ? 0 : 30),
    lendablePercent: limited.lendablePercent ?? 0,
    borrowingLimitPercent: limited.borrowingLimitPercent ?? undefined,
    queuing: exempt ? undefined : queuingOf(limited.limitResponse),
  };
}

export function flowSchemaOf(object: Readonly<ApiObject>): FlowSchemaConfig {
  const { name = '', uid = '' } = object.metadata;
  return { name, uid, spec: object['spec'] as FlowSchemaSpec };
}

const everyone: RulesWithSubjects = {
  subjects: [
    { kind: 'Group', group: { name: 'system:unauthenticated' } },
    { kind: 'Group', group: { name: 'system:authenticated' } },
  ],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

const masters: RulesWithSubjects = {
  ...everyone,
  subjects: [{ kind: 'Group', group: { name: 'system:masters' } }],
};

/** The two levels and schemas that always exist, whatever the API holds (`bootstrap/default.go`, mandatory objects). */
export const mandatoryLevels: readonly PriorityLevelConfig[] = [
  {
    name: 'exempt',
    uid: '',
    exempt: true,
    shares: 0,
    lendablePercent: 0,
    borrowingLimitPercent: undefined,
    queuing: undefined,
  },
  {
    name: 'catch-all',
    uid: '',
    exempt: false,
    shares: 5,
    lendablePercent: 0,
    borrowingLimitPercent: undefined,
    queuing: undefined,
  },
];

export const mandatorySchemas: readonly FlowSchemaConfig[] = [
  {
    name: 'exempt',
    uid: '',
    spec: { priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 1, rules: [masters] },
  },
  {
    name: 'catch-all',
    uid: '',
    spec: {
      priorityLevelConfiguration: { name: 'catch-all' },
      matchingPrecedence: 10_000,
      distinguisherMethod: { type: 'ByUser' },
      rules: [everyone],
    },
  },
];
