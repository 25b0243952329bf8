import { describe, expect, it } from 'vitest';
import { upOptions, type UpFlags } from './options.ts';

const usual: UpFlags = {
  dataDir: '/data',
  bindAddress: '127.0.0.1',
  securePort: '6443',
  serviceClusterIpRange: '10.96.0.0/12',
  controllers: '*,token-cleaner-controller',
  scheduler: true,
  logFormat: 'text',
  v: '0',
};

describe('flags of kubets up', () => {
  it('run controllers and a scheduler, and no node', () => {
    expect(upOptions(usual)).toMatchObject({
      controllers: ['*', 'token-cleaner-controller'],
      scheduler: true,
      simulation: undefined,
      clusterCidrs: ['10.244.0.0/16'],
    });
    expect(upOptions({ ...usual, controllers: false, scheduler: false })).toMatchObject({
      controllers: undefined,
      scheduler: false,
    });
  });

  it('describe simulated nodes', () => {
    expect(upOptions({ ...usual, simulateNodes: '5' }).simulation).toEqual({
      count: 5,
      capacity: { cpu: '4', memory: '32Gi', 'ephemeral-storage': '100Gi', pods: '110' },
      taint: 'PreferNoSchedule',
      zones: 0,
      stagesFile: undefined,
    });
    const asked = { simulatedCapacity: 'cpu=8', simulatedTaint: 'none', simulatedZones: '3' };
    expect(upOptions({ ...usual, simulateNodes: '5000', ...asked })).toMatchObject({
      simulation: { count: 5000, capacity: { cpu: '8' }, taint: undefined, zones: 3 },
      // A range of 256 addresses for each of them.
      clusterCidrs: ['10.128.0.0/9'],
    });
  });

  it.each<[Partial<UpFlags>, string]>([
    [{ simulateNodes: 'many' }, '--simulate-nodes: "many" is not a number from 0 to 30000'],
    [{ simulatedStages: 'stages.yaml' }, '--simulated-stages: there are no simulated nodes'],
    [{ simulatedZones: '3' }, '--simulated-zones: there are no simulated nodes'],
    [{ simulatedTaint: 'none' }, '--simulated-taint: there are no simulated nodes'],
    [{ simulatedCapacity: 'cpu=1' }, '--simulated-capacity: there are no simulated nodes'],
    [{ simulateNodes: '1', simulatedCapacity: 'cpu' }, '--simulated-capacity: cpu: '],
    [{ simulateNodes: '1', simulatedCapacity: 'cpu=4=5' }, '--simulated-capacity: "cpu=4=5" is not of the form cpu=4'],
    [{ simulateNodes: '1', simulatedTaint: 'Never' }, '--simulated-taint: "Never" is none of NoSchedule'],
    [{ clusterCidr: '10.0.0.0' }, '--cluster-cidr: "10.0.0.0" is no CIDR range'],
    [{ clusterCidr: '10.0.0.0/16,10.1.0.0/16' }, '--cluster-cidr: give one range, or one of IPv4 and one of IPv6'],
    [{ scheduler: false, schedulerConfig: 'x' }, '--scheduler-config: no scheduler runs'],
  ])('refuse %j', (flags, message) => {
    expect(() => upOptions({ ...usual, ...flags })).toThrow(message);
  });
});
