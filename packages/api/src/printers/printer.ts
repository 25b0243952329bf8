/** What a table printer is (`k8s.io/kubernetes/pkg/printers`, `metav1.Table`). */
import type { TableColumnDefinition, TableRowCondition } from '../generated/types/meta-v1.ts';

/** One row: a cell per column, in order. Numbers and booleans stay what they are. */
export interface Row {
  readonly cells: readonly unknown[];
  readonly conditions?: readonly TableRowCondition[];
}

/** The cells of one object, in the order of its kind's columns. Pure; `now` is in milliseconds. */
export type CellsOf<T> = (object: T, now: number) => unknown[];

/** Turns objects of one kind, in their storage version's shape, into rows. Pure and shared. */
export interface Printer {
  readonly columns: readonly TableColumnDefinition[];
  /** The rows of one object (always one today, as upstream). `now` is in milliseconds since the Unix epoch. */
  rows(object: Readonly<Record<string, unknown>>, now: number): Row[];
  /** The cells of the first row, for callers that show no row conditions. */
  cells(object: Readonly<Record<string, unknown>>, now: number): readonly unknown[];
}
