import { describe, expect, it } from 'vitest';
import type { Namespace, ServiceAccount } from '../../generated/types/core-v1.ts';
import { validateNamespace, validateNamespaceFinalizeUpdate, validateNamespaceStatusUpdate } from './namespace.ts';
import { validateKubeFinalizers } from './resource-names-finalizers.ts';
import { changed, texts } from './resource-names-testing.ts';
import { serviceAccountWarnings } from './service-account.ts';

const namespace: Namespace = {
  metadata: { name: 'a' },
  spec: { finalizers: ['kubernetes', 'example.com/mine'] },
  status: { phase: 'Active' },
};
const notStandard = 'Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified';

describe('namespaces', () => {
  it('accepts a valid one', () => {
    expect(validateNamespace(namespace)).toEqual([]);
    expect(validateNamespaceStatusUpdate(namespace)).toEqual([]);
    expect(validateNamespaceFinalizeUpdate(namespace)).toEqual([]);
  });

  it('refuses unknown finalizers', () => {
    const other = changed(namespace, { 'spec.finalizers': ['kubernetes', 'x'] });
    expect(texts(validateNamespace(other))).toEqual([`spec.finalizers: ${notStandard}`]);
    expect(texts(validateNamespaceFinalizeUpdate(other))).toEqual([`spec.finalizers[1]: ${notStandard}`]);
    expect(texts(validateKubeFinalizers({ finalizers: ['orphan', 'a.b/c', 'x'] }))).toEqual([
      `metadata.finalizers[2]: ${notStandard}`,
    ]);
  });

  it('is Terminating while it is being deleted only', () => {
    expect(texts(validateNamespaceStatusUpdate(changed(namespace, { 'status.phase': 'Terminating' })))).toEqual([
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ]);
    const going = changed(namespace, { 'metadata.deletionTimestamp': '2026-01-01T00:00:00Z' });
    expect(texts(validateNamespaceStatusUpdate(going))).toEqual([
      'status.Phase: Invalid value: "Active": may only be \'Terminating\' if `deletionTimestamp` is not empty',
    ]);
  });
});

describe('service accounts', () => {
  it('warn of a deprecated annotation once', () => {
    const plain: ServiceAccount = { metadata: { name: 'a' } };
    const marked = changed(plain, { 'metadata.annotations[kubernetes.io/enforce-mountable-secrets]': 'true' });
    expect(serviceAccountWarnings(plain)).toEqual([]);
    expect(serviceAccountWarnings(marked, plain)).toEqual([
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ]);
    expect(serviceAccountWarnings(marked, marked)).toEqual([]);
  });
});
