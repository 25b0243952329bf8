/** Unknown and duplicate fields of typed objects. */
import { describe, expect } from 'vitest';
import { covers, useCluster } from './covers.ts';
import type { Cluster } from './cluster.ts';

useCluster();

interface Attempt {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body: string;
}

async function send(
  cluster: Cluster,
  attempt: Attempt,
  query: Record<string, string>,
): Promise<{ code: number; text: string; warnings: string }> {
  const path = `${attempt.path}?${new URLSearchParams(query).toString()}`;
  const { status, headers, body } = await cluster.send({ ...attempt, path });
  const { message } = JSON.parse(body.toString()) as { message?: string };
  return { code: status, text: message ?? '', warnings: String(headers['warning'] ?? '') };
}

const deployment = (extra: string, meta = ''): string => `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {"name": "checked"${meta}},
  "spec": {${extra}
    "selector": {"matchLabels": {"app": "checked"}},
    "template": {"metadata": {"labels": {"app": "checked"}},
      "spec": {"containers": [{"name": "c", "image": "nginx"}]}}}}`;

describe('field validation', () => {
  covers(
    '[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object',
    async (cluster) => {
      const path = `/apis/apps/v1/namespaces/${await cluster.namespace()}/deployments`;
      const bad = '"unknownField": "x", "replicas": 1, "replicas": 2, "paused": true, "paused": true,';
      const create = { method: 'POST', path, body: deployment(bad) };
      const strict = await send(cluster, create, { fieldValidation: 'Strict' });
      expect(strict.code).toBe(400);
      expect(strict.text).toContain('strict decoding error: unknown field "spec.unknownField"');
      expect(strict.text).toContain('duplicate field "spec.replicas"');
      expect(strict.text).toContain('duplicate field "spec.paused"');

      const warned = await send(cluster, create, { fieldValidation: 'Warn', dryRun: 'All' });
      expect(warned.code).toBe(201);
      expect(warned.warnings).toContain('299 - "unknown field \\"spec.unknownField\\""');
      expect(warned.warnings).toContain('299 - "duplicate field \\"spec.replicas\\""');
      const ignored = await send(cluster, create, { fieldValidation: 'Ignore' });
      expect(ignored).toMatchObject({ code: 201, warnings: '' });

      const one = `${path}/checked`;
      const merge = {
        method: 'PATCH',
        path: one,
        contentType: 'application/merge-patch+json',
        body: '{"spec": {"unknownField": "x", "replicas": 1, "replicas": 2}}',
      };
      for (const contentType of [merge.contentType, 'application/strategic-merge-patch+json']) {
        const answer = await send(cluster, { ...merge, contentType }, { fieldValidation: 'Strict' });
        expect(answer.code).toBe(422);
        expect(answer.text).toContain('unknown field "spec.unknownField"');
        expect(answer.text).toContain('duplicate field "spec.replicas"');
      }

      const apply = { method: 'PATCH', path: one, contentType: 'application/apply-patch+yaml', body: deployment(bad) };
      const applied = await send(cluster, apply, { fieldValidation: 'Strict', fieldManager: 'mgr', force: 'true' });
      expect(applied.code).toBeGreaterThanOrEqual(400);
      expect(applied.code).toBeLessThan(500);
    },
  );

  covers(
    '[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object',
    async (cluster) => {
      const path = `/apis/apps/v1/namespaces/${await cluster.namespace()}/deployments`;
      const body = deployment('', ', "unknownMeta": "foo", "labels": {"a": "b"}');
      const created = await send(cluster, { method: 'POST', path, body }, { fieldValidation: 'Strict' });
      expect(created.code).toBe(400);
      expect(created.text).toContain('strict decoding error: unknown field "metadata.unknownMeta"');
      const apply = { method: 'PATCH', path: `${path}/checked`, contentType: 'application/apply-patch+yaml', body };
      const applied = await send(cluster, apply, { fieldValidation: 'Strict', fieldManager: 'mgr' });
      expect(applied.code).toBeGreaterThanOrEqual(400);
      expect(applied.code).toBeLessThan(500);
      expect(applied.text).toContain('unknownMeta');
    },
  );
});
