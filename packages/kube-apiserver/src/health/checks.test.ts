import { describe, expect, it } from 'vitest';
import { silentLog } from '@kubets/apimachinery/log';
import type { ApiRequest } from '../server/types.ts';
import { HealthChecks, logCheck, pingCheck, StepCheck } from './checks.ts';

async function get(checks: HealthChecks, url: string): Promise<string> {
  const { pathname, searchParams } = new URL(url, 'https://x');
  const result = await checks.serve({ path: pathname, query: searchParams } as ApiRequest);
  return result.type === 'bytes' ? `${result.status} ${String(result.bytes)}` : result.type;
}

function make() {
  const checks = new HealthChecks('readyz', silentLog);
  const step = new StepCheck('poststarthook/x');
  checks.add(pingCheck, logCheck, step);
  return { checks, step };
}

describe('HealthChecks', () => {
  it('is ok when all are', async () => {
    const { checks, step } = make();
    step.done();
    expect(await get(checks, '/readyz')).toBe('200 ok');
    expect(await get(checks, '/readyz/ping')).toBe('200 ok');
    expect(await get(checks, '/readyz?verbose')).toBe(
      '200 [+]ping ok\n[+]log ok\n[+]poststarthook/x ok\nreadyz check passed\n',
    );
  });

  it('tells which check fails, and why on its own path only', async () => {
    const { checks } = make();
    expect(await get(checks, '/readyz')).toBe(
      '500 [+]ping ok\n[+]log ok\n[-]poststarthook/x failed: reason withheld\nreadyz check failed\n',
    );
    expect(await get(checks, '/readyz/poststarthook/x')).toBe('500 internal server error: not finished\n');
  });

  it('leaves checks out', async () => {
    const { checks } = make();
    expect(await get(checks, '/readyz?exclude=poststarthook/x')).toBe('200 ok');
    expect(await get(checks, '/readyz?verbose&exclude=poststarthook/x&exclude=foo')).toBe(
      '200 [+]ping ok\n[+]log ok\n[+]poststarthook/x excluded: ok\nwarn: some health checks cannot be excluded: no matches for "foo"\nreadyz check passed\n',
    );
  });

  it('knows no other checks', () => {
    const { checks } = make();
    expect(() => checks.serve({ path: '/readyz/foo', query: new URLSearchParams() } as ApiRequest)).toThrow(
      'could not find',
    );
  });
});
