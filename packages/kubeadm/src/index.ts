export { ensureClusterPki, type ClusterPki, type PkiOptions } from './pki/cluster-pki.ts';
export { createAuthority, createLeaf, createSigningKey, type KeyPair } from './pki/certificates.ts';
export { kubeconfigText } from './kubeconfig.ts';
export { writePrivateFile } from './pki/files.ts';
