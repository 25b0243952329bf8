/** Kubeconfig files as kubeadm writes them (`cmd/kubeadm/app/phases/kubeconfig/kubeconfig.go`). */
import type { KeyPair } from './pki/certificates.ts';

export interface KubeconfigRequest {
  readonly cluster: string;
  readonly user: string;
  /** `https://host:port` */
  readonly server: string;
  readonly authority: string;
  readonly client: KeyPair;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** YAML text of a kubeconfig with one cluster, one user and one context, everything embedded. */
export function kubeconfigText(request: KubeconfigRequest): string {
  const context = `${request.user}@${request.cluster}`;
  return `apiVersion: v1
kind: Config
clusters:
- name: ${request.cluster}
  cluster:
    certificate-authority-data: ${base64(request.authority)}
    server: ${request.server}
users:
- name: ${request.user}
  user:
    client-certificate-data: ${base64(request.client.certificate)}
    client-key-data: ${base64(request.client.key)}
contexts:
- name: ${context}
  context:
    cluster: ${request.cluster}
    user: ${request.user}
current-context: ${context}
preferences: {}
`;
}

/** The client certificate embedded in a text of {@link kubeconfigText}; `undefined` when it is not of that form. */
export function clientCertificateOf(kubeconfig: string): string | undefined {
  const data = /client-certificate-data: (\S+)/.exec(kubeconfig)?.[1];
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString();
}

/** The server address in a text of {@link kubeconfigText}. */
export function serverOf(kubeconfig: string): string | undefined {
  return /^\s*server: (\S+)/m.exec(kubeconfig)?.[1];
}
