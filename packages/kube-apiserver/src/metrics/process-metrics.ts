/** `process_*` and build information, as client_golang and component-base report them. */
import type { Clock } from '@kubets/apimachinery/clock';
import { labelText, type MetricsRegistry } from '@kubets/apimachinery/metrics';

export interface BuildInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly platform: string;
  readonly runtime: string;
}

export function registerProcessMetrics(registry: MetricsRegistry, clock: Clock, build: BuildInfo): void {
  const started = (clock.now() - process.uptime() * 1000) / 1000;
  const gauge = (name: string, help: string, read: () => number): void => {
    registry.collected({ name, help, type: 'gauge' }, () => [['', read()]]);
  };
  gauge('process_start_time_seconds', 'Start of the process, in seconds since the Unix epoch.', () => started);
  gauge('process_resident_memory_bytes', 'Resident memory, in bytes.', () => process.memoryUsage.rss());
  registry.collected(
    { name: 'process_cpu_seconds_total', help: 'User and system time spent, in seconds.', type: 'counter' },
    () => {
      const { user, system } = process.cpuUsage();
      return [['', (user + system) / 1e6]];
    },
  );
  const labels = labelText({
    build_date: '',
    compiler: '',
    git_commit: '',
    git_tree_state: '',
    git_version: build.gitVersion,
    go_version: build.runtime,
    major: build.major,
    minor: build.minor,
    platform: build.platform,
  });
  registry.gauge('kubernetes_build_info', 'What was built.').set(1, labels);
}
