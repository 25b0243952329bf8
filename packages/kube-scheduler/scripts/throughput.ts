/**
 * Measures pods bound per second.
 *
 *     node packages/kube-scheduler/scripts/throughput.ts [nodes] [pods] [shape …]
 */
import { measureThroughput, type Shape } from '../src/testing/throughput.ts';

const [nodes = '1000', pods = '3000', ...shapes] = process.argv.slice(2);
const all: readonly Shape[] = [
  'basic',
  'zone-spread',
  'preferred-anti-affinity',
  'required-anti-affinity',
  'owned',
  'half-unschedulable',
];
for (const shape of shapes.length > 0 ? (shapes as Shape[]) : all) {
  const { podsPerSecond, seconds, cpuMicros, droppedEvents } = await measureThroughput(
    shape,
    Number(nodes),
    Number(pods),
  );
  process.stdout.write(
    `${shape}: ${Math.round(podsPerSecond)} pods/s (${seconds.toFixed(2)} s, ${Math.round(cpuMicros)} µs of CPU each, ${droppedEvents} events dropped)\n`,
  );
}
