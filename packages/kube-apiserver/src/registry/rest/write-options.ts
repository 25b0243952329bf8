/** CreateOptions, UpdateOptions, PatchOptions and DeleteOptions from the query. */
import type { FieldError } from '@kubets/apimachinery/field';
import { newInvalid } from '@kubets/apimachinery/status';
import { validatePatchOptions, validateWriteOptions } from '@kubets/apimachinery/validation-options';
import type { FieldValidation } from '@kubets/api/decode-body';
import { boolParameter, textParameter } from './query.ts';

export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
  /** As admission sees them. */
  readonly sent: Readonly<Record<string, unknown>>;
}

/** Throws 422 about `CreateOptions.meta.k8s.io` and so on. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid({ group: 'meta.k8s.io', kind }, '', errors);
}

/** `patch`: which rules PATCH asks for. Throws 422. */
export function parseWriteOptions(query: URLSearchParams, kind: OptionsKind, patch?: 'apply' | 'other'): WriteOptions {
  if (query.size === 0 && patch !== 'apply') return defaults[kind];
  const dryRun = query.getAll('dryRun');
  const fieldManager = textParameter(query, 'fieldManager');
  const fieldValidation = textParameter(query, 'fieldValidation');
  const force = patch === undefined ? undefined : boolParameter(query, 'force');
  const given = { dryRun, fieldManager, fieldValidation, ...(force !== undefined && { force }) };
  invalidOptions(kind, patch === undefined ? validateWriteOptions(given) : validatePatchOptions(given, patch));
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    force: force ?? false,
    sent: { ...typeMeta(kind), ...present(given) },
  };
}

function typeMeta(kind: OptionsKind): { kind: string; apiVersion: string } {
  return { kind, apiVersion: 'meta.k8s.io/v1' };
}

function present(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)),
  );
}

function defaultsOf(kind: OptionsKind): WriteOptions {
  return { dryRun: false, fieldManager: '', fieldValidation: 'Warn', force: false, sent: typeMeta(kind) };
}

const defaults: Readonly<Record<OptionsKind, WriteOptions>> = {
  CreateOptions: defaultsOf('CreateOptions'),
  UpdateOptions: defaultsOf('UpdateOptions'),
  PatchOptions: defaultsOf('PatchOptions'),
  DeleteOptions: defaultsOf('DeleteOptions'),
};
