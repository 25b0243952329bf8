import { describe, expect, it } from 'vitest';
import type { ObjectMeta } from '@kubets/apimachinery/meta';
import { GraphNode } from './graph-node.ts';
import { planDeletion, policyOf, type DeletionPlan, type OwnerState } from './plan.ts';

const type = { apiVersion: 'v1', kind: 'ConfigMap', followed: true };
const dying: ObjectMeta = { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] };

const findings = (states: readonly OwnerState[]) =>
  states.map((state, i) => ({
    state,
    reference: { apiVersion: 'v1', kind: 'ConfigMap', name: `o${i}`, uid: `o${i}` },
  }));

const node = (...dependents: ObjectMeta[]): GraphNode => {
  const made = new GraphNode(type, { uid: 'x' }, false);
  made.dependents = new Set(dependents.map((metadata) => new GraphNode(type, metadata, false)));
  return made;
};

const background: DeletionPlan = { type: 'delete', policy: 'Background', unblock: false };

describe('planDeletion', () => {
  it.each<[string, OwnerState[], ObjectMeta[], DeletionPlan]>([
    ['nobody owns it', [], [], { type: 'keep' }],
    ['its owners are there', ['solid', 'solid'], [], { type: 'keep' }],
    ['some are gone', ['dangling', 'solid'], [], { type: 'remove-owners', uids: ['o0'] }],
    ['some wait for it', ['solid', 'waiting', 'dangling'], [], { type: 'remove-owners', uids: ['o1', 'o2'] }],
    ['all are gone', ['dangling', 'dangling'], [{}], background],
    ['one waits, and nothing depends on it', ['waiting'], [], background],
    ['one waits for it and its own', ['waiting'], [{}], { type: 'delete', policy: 'Foreground', unblock: false }],
    ['a circle', ['waiting', 'dangling'], [{}, dying], { type: 'delete', policy: 'Foreground', unblock: true }],
  ])('%s', (_name, states, dependents, plan) => {
    expect(planDeletion(node(...dependents), {}, findings(states))).toEqual(plan);
  });

  it('heeds what its finalizers ask for', () => {
    expect(policyOf({})).toBe('Background');
    expect(policyOf({ finalizers: ['foregroundDeletion'] })).toBe('Foreground');
    expect(policyOf({ finalizers: ['foregroundDeletion', 'orphan'] })).toBe('Orphan');
  });
});
