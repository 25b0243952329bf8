import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCrashes } from './store-crash.ts';

it('loses nothing that was acknowledged when it is killed, ten times', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubets-crash-'));
  try {
    const summary = await runCrashes({ kills: 10, dataDir });
    expect(summary.acknowledged).toBeGreaterThan(0);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
