/** The shape of `defaults.json`, as its description says. */
import { json } from '../generated/facts/defaults.ts';
import { lazy } from '../lazy.ts';

export type Condition =
  | { readonly set: string }
  | { readonly unset: string }
  | { readonly featureGate: string; readonly enabled?: boolean }
  | { readonly any: readonly (readonly Condition[])[] }
  | { readonly all: readonly Condition[] }
  | { readonly noneSet: string }
  | (Comparison & { readonly path: string })
  | (Comparison & { readonly imageTag: string });

export interface Comparison {
  readonly eq?: unknown;
  readonly ne?: unknown;
  readonly lt?: number;
  readonly gt?: number;
  readonly le?: number;
  readonly ge?: number;
}

export interface DefaultRule {
  readonly path: string;
  readonly value?: unknown;
  readonly roundUpScale?: number;
  readonly always?: boolean;
  readonly when?: readonly Condition[];
}

export interface TypeDefaults {
  readonly defaults?: readonly DefaultRule[];
  /** Fields whose defaulting is written by hand. */
  readonly logic?: readonly string[];
}

export interface KindDefaults {
  /** Path and OpenAPI type name, in the order of application. */
  readonly apply: readonly (readonly [path: string, typeName: string])[];
  readonly fields?: readonly DefaultRule[];
}

/** The types are keyed by id (`core-v1.Pod`), and so are the kinds. */
export const defaultsFacts = lazy(
  () => JSON.parse(json) as { types: Record<string, TypeDefaults>; kinds: Record<string, KindDefaults> },
);
