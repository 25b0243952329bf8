import { describe, expect, it } from 'vitest';
import { defaultControllerManagerOptions } from '@kubets/kube-controller-manager';
import { controllerFacts } from '@kubets/kube-controller-manager/generated/controllers';
import { kubeControllerManagerFlags } from '../generated/flags.ts';
import {
  concurrencyFlags,
  controllerManagerFlagNames,
  controllerManagerHelp,
  parseControllerManagerFlags,
} from './flags.ts';
import { controllerOptions } from './options.ts';

describe('flags of kube-controller-manager', () => {
  it('have the names of upstream', () => {
    expect(controllerManagerFlagNames.filter((name) => !kubeControllerManagerFlags.includes(name))).toEqual([]);
  });

  it('name controllers that exist', () => {
    const known = controllerFacts.map(({ name }) => name);
    expect(Object.values(concurrencyFlags).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('mean the defaults when absent', () => {
    expect(controllerOptions(parseControllerManagerFlags([]))).toEqual(defaultControllerManagerOptions);
  });

  it('are handed to the controllers', () => {
    const args = ['--concurrent-deployment-syncs=9', '--node-monitor-grace-period=40s', '--cluster-cidr', '10.0.0.0/8'];
    expect(controllerOptions(parseControllerManagerFlags(args))).toMatchObject({
      concurrency: { 'deployment-controller': 9 },
      nodeMonitorGracePeriodMs: 40_000,
      clusterCidrs: ['10.0.0.0/8'],
    });
  });

  it.each([
    ['--nonsense=1', 'unknown flag: --nonsense'],
    [
      '--cloud-provider=x',
      "--cloud-provider is a flag of upstream's kube-controller-manager that kubets has not built",
    ],
    ['--node-eviction-rate=fast', '--node-eviction-rate: "fast" is no number'],
    ['--cluster-signing-cert-file=/not/there', '--cluster-signing-cert-file: ENOENT'],
  ])('refuse %s', (arg, message) => {
    expect(() => controllerOptions(parseControllerManagerFlags([arg]))).toThrow(message);
  });

  it('that contradict each other are refused', () => {
    const args = ['--cluster-cidr=10.0.0.0/8,fd00::/48', '--node-cidr-mask-size=24'];
    expect(() => controllerOptions(parseControllerManagerFlags(args))).toThrow('--node-cidr-mask-size:');
  });

  it('are listed', () => {
    expect(controllerManagerHelp()).toContain('--use-service-account-credentials');
  });
});
