/** The remaining facts of Kubernetes 1.36 that components need: each parsed on first use and kept; never change them. */
import { json as admissionJson } from './generated/facts/admission-plugins.ts';
import { json as gatesJson } from './generated/facts/feature-gates.ts';
import { json as flowcontrolJson } from './generated/facts/flowcontrol.ts';
import { json as rbacJson } from './generated/facts/rbac.ts';
import { json as metricsJson } from './generated/facts/stable-metrics.ts';
import { json as columnsJson } from './generated/facts/table-columns.ts';
import { json as namesJson } from './generated/facts/well-known-names.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from './generated/types/rbac-v1.ts';
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from './generated/types/flowcontrol-v1.ts';
import { lazy } from './lazy.ts';

export interface FeatureGate {
  readonly name: string;
  readonly stage: 'Alpha' | 'Beta' | 'GA' | 'Deprecated' | (string & {});
  readonly default: boolean;
  readonly locked: boolean;
  /** The minor version in which this stage began. */
  readonly since: string;
  readonly dependsOn?: readonly string[];
  /** Set for gates of clients. */
  readonly component?: string;
}

export interface AdmissionPluginFact {
  readonly name: string;
  readonly default: boolean;
  readonly mutating: boolean;
  readonly validating: boolean;
  readonly operations?: readonly ('CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT')[];
  readonly featureGate?: string;
}

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly priority: number;
}

export interface TableFact {
  readonly group: string;
  readonly kind: string;
  readonly resource: string;
  /** `default` stands for the columns under {@link TableColumns.default}. */
  readonly columns: readonly TableColumn[] | 'default';
}

export interface TableColumns {
  readonly default: readonly TableColumn[];
  readonly customResource: {
    readonly first: TableColumn;
    readonly whenAdditionalPrinterColumnsEmpty: readonly { name: string; type: string; jsonPath: string }[];
  };
  readonly tables: readonly TableFact[];
}

export type FlowcontrolObject =
  | { readonly kind: 'FlowSchema'; readonly name: string; readonly mandatory: boolean; readonly spec: FlowSchemaSpec }
  | {
      readonly kind: 'PriorityLevelConfiguration';
      readonly name: string;
      readonly mandatory: boolean;
      readonly spec: PriorityLevelConfigurationSpec;
    };

export interface FlowcontrolBootstrap {
  readonly apiVersion: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly objects: readonly FlowcontrolObject[];
}

export interface RbacBootstrap {
  readonly 'cluster-roles': readonly ClusterRole[];
  readonly 'cluster-roles-featuregates': readonly ClusterRole[];
  readonly 'cluster-role-bindings': readonly ClusterRoleBinding[];
  readonly 'controller-roles': readonly ClusterRole[];
  readonly 'controller-role-bindings': readonly ClusterRoleBinding[];
  readonly 'namespace-roles': readonly Role[];
  readonly 'namespace-role-bindings': readonly RoleBinding[];
}

export interface StableMetric {
  readonly name: string;
  readonly type: string;
  readonly stability: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
  readonly endpoints?: readonly string[];
}

export interface WellKnownNames {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly otherByPackage: Readonly<Record<string, unknown>>;
  readonly priorityClasses: Readonly<Record<string, unknown>>;
}

const fact = <T>(json: string): (() => T) => lazy(() => JSON.parse(json) as T);

/** All feature gates with their defaults. */
export const featureGates = fact<readonly FeatureGate[]>(gatesJson);

const gatesByName = lazy(() => new Map(featureGates().map((gate) => [gate.name, gate])));

/** Whether a gate is on by default; unknown gates are off. */
export function featureGateDefault(name: string): boolean {
  return gatesByName().get(name)?.default ?? false;
}

/** All admission plugins in the order in which they run. */
export const admissionPlugins = fact<readonly AdmissionPluginFact[]>(admissionJson);
/** The columns of `kubectl get`. */
export const tableColumns = fact<TableColumns>(columnsJson);
/** The built-in flow schemas and priority levels. */
export const flowcontrolBootstrap = fact<FlowcontrolBootstrap>(flowcontrolJson);
/** The built-in roles and bindings. */
export const rbacBootstrap = fact<RbacBootstrap>(rbacJson);
/** STABLE and BETA metrics of every component. */
export const stableMetrics = fact<readonly StableMetric[]>(metricsJson);
export const wellKnownNames = fact<WellKnownNames>(namesJson);
