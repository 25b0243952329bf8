/** Parts of objects that several tests share. */
import type { Draft } from './cluster.ts';

export const containers: readonly Draft[] = [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }];

export const podTemplate = (labels: Readonly<Record<string, string>>): Draft => ({
  metadata: { labels },
  spec: { containers },
});

export const condition = (type: string): Draft => ({
  type,
  status: 'True',
  reason: 'E2E',
  message: 'Set from an e2e test',
  lastTransitionTime: '2026-01-02T03:04:05Z',
});

/** A PKCS#10 request for CN=e2e-client, O=e2e, P-256, as the API carries it: PEM in base64. */
export const signingRequest =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZk1JR0ZBZ0VBTUNNeEREQUtCZ05WQkFvTUEyVXlaVEVUTUJFR0ExVUVBd3dLWlRKbExXTnNhV1Z1ZERCWgpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQUJJUTAzRFFLY1c5T2Z1b1p4c1gvNkdIcld1OGtpRHBQCmV5NHByZVVONnpXaVJRbXRaVmVqUU10dXhhOUxId3E5Ulc0a0VJMkVYWDZRUkpaU1JyUmZ3SXlnQURBS0JnZ3EKaGtqT1BRUURBZ05KQURCR0FpRUE3MGtDY0lXWkt3L3hadmtFWTI0ZW8rc25ySDc3bWhzckJmbFByR2pyS05ZQwpJUURDK0FoL3RpcHlkRDI2ZkpZTURJNkNLK0lCR2hTVFV3TEtQMGM4Q0xOeVJnPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==';
