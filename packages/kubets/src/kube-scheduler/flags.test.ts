import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeSchedulerFlags } from '../generated/flags.ts';
import { readSchedulerConfiguration } from './configuration.ts';
import { givenSchedulerFlags, parseSchedulerFlags, schedulerFlagNames, schedulerHelp } from './flags.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubets-scheduler-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('flags of kube-scheduler', () => {
  it('have the names of upstream', () => {
    expect(schedulerFlagNames.filter((name) => !kubeSchedulerFlags.includes(name))).toEqual([]);
  });

  it('are read with their defaults, and told apart from those that are given', () => {
    const args = ['--leader-elect=false', '--secure-port', '0'];
    expect(parseSchedulerFlags(args)).toMatchObject({
      'leader-elect': false,
      'leader-elect-lease-duration': 15_000,
      'secure-port': 0,
    });
    expect([...givenSchedulerFlags(args)]).toEqual(['leader-elect', 'secure-port']);
    expect(schedulerHelp()).toContain('--authentication-kubeconfig');
  });

  it.each([
    ['--nonsense', 'unknown flag: --nonsense'],
    ['--write-config-to=x', "--write-config-to is a flag of upstream's kube-scheduler that kubets has not built yet"],
    ['--secure-port=-1', '--secure-port: "-1" is no whole number'],
  ])('refuse %s', (arg, message) => {
    expect(() => parseSchedulerFlags([arg])).toThrow(message);
  });
});

describe('the configuration file', () => {
  const read = (text: string): Promise<unknown> => {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, text);
    return readSchedulerConfiguration(path, { flag: '--config', gates: {} });
  };
  const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

  it('is read', async () => {
    expect(await read(`${header}leaderElection: {leaderElect: false}`)).toMatchObject({
      leaderElection: { leaderElect: false },
      profiles: [{ schedulerName: 'default-scheduler' }],
    });
  });

  it('is named when it is wrong', async () => {
    await expect(read(`${header}colour: red`)).rejects.toThrow(/^--config: .*config\.yaml: .*colour/s);
    const absent = readSchedulerConfiguration('/not/there', { flag: '--config', gates: {} });
    await expect(absent).rejects.toThrow('--config: /not/there: ENOENT');
    const gate = readSchedulerConfiguration('', { flag: '--config', gates: { NoSuchGate: true } });
    await expect(gate).rejects.toThrow(/^--feature-gates: .*NoSuchGate/);
  });
});
