/** `kubets kube-scheduler`: the scheduler alone, with upstream's flags. */
import { Command } from 'commander';
import { hostname } from 'node:os';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { MetricsRegistry } from '@kubets/apimachinery/metrics';
import { discover, leaderHealthCheck, transportFor, type Transport } from '@kubets/client';
import type { Log } from '@kubets/kube-apiserver';
import type { Scheduler, SchedulerConfiguration } from '@kubets/kube-scheduler';
import { clientConfig, logOf, requestPolicy, serveComponent } from '../serving/serve.ts';
import { stopSignal } from '../up/signals.ts';
import { UserError } from '../user-error.ts';
import { readSchedulerConfiguration } from './configuration.ts';
import { givenSchedulerFlags, parseSchedulerFlags, schedulerHelp, type SchedulerFlags } from './flags.ts';

/** The file's settings, and on top of them what flags say that are given. */
function leaderElection(
  file: SchedulerConfiguration['leaderElection'],
  flags: SchedulerFlags,
  given: ReadonlySet<string>,
): SchedulerConfiguration['leaderElection'] {
  const pick = <T>(name: keyof SchedulerFlags, fromFlag: T, fromFile: T): T => (given.has(name) ? fromFlag : fromFile);
  return {
    leaderElect: pick('leader-elect', flags['leader-elect'], file.leaderElect),
    leaseDurationMs: pick('leader-elect-lease-duration', flags['leader-elect-lease-duration'], file.leaseDurationMs),
    renewDeadlineMs: pick('leader-elect-renew-deadline', flags['leader-elect-renew-deadline'], file.renewDeadlineMs),
    retryPeriodMs: pick('leader-elect-retry-period', flags['leader-elect-retry-period'], file.retryPeriodMs),
    resourceName: pick('leader-elect-resource-name', flags['leader-elect-resource-name'], file.resourceName),
    resourceNamespace: pick(
      'leader-elect-resource-namespace',
      flags['leader-elect-resource-namespace'],
      file.resourceNamespace,
    ),
  };
}

/** With `--config`, its `clientConnection` counts; otherwise the flags do. */
function apiTransport(flags: SchedulerFlags, { clientConnection }: SchedulerConfiguration): Transport {
  if (flags.config === '')
    return transportFor(clientConfig('kubeconfig', flags.kubeconfig), systemClock, requestPolicy(flags));
  return transportFor(clientConfig('config', clientConnection.kubeconfig), systemClock);
}

/** What the server serves; asked once, before the start. Throws a {@link UserError}. */
async function servedBy(transport: Transport, log: Log): Promise<ReadonlySet<string>> {
  try {
    const found = await discover(transport, ({ groupVersion, error }) =>
      log.warn({ groupVersion, error: String(error) }, 'discovery of an API group failed'),
    );
    return new Set(found.map(({ group, resource }) => `${group}/${resource}`));
  } catch (error) {
    throw new UserError(`the API server does not answer: ${(error as Error).message}`, { cause: error });
  }
}

async function makeScheduler(options: ConstructorParameters<typeof Scheduler>[0]): Promise<Scheduler> {
  const { createScheduler } = await import('@kubets/kube-scheduler');
  try {
    return createScheduler(options);
  } catch (error) {
    // What is wrong here follows from the configuration.
    throw new UserError((error as Error).message, { cause: error });
  }
}

/** Runs until a signal, or until the lease is lost. A wrong option is a {@link UserError}. */
async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(schedulerHelp());
    return;
  }
  const flags = parseSchedulerFlags(args);
  const log = logOf(flags);
  const gates = flags['feature-gates'];
  const file = await readSchedulerConfiguration(flags.config, { flag: '--config', gates });
  const configuration = {
    ...file,
    leaderElection: leaderElection(file.leaderElection, flags, givenSchedulerFlags(args)),
  };
  const stop = new AbortController();
  void stopSignal(systemClock).then((name) => stop.abort(new Error(name)));
  await using stack = new AsyncDisposableStack();
  const transport = stack.use(apiTransport(flags, configuration));
  const metrics = new MetricsRegistry();
  const served = await servedBy(transport, log);
  const scheduler = await makeScheduler({
    clock: systemClock,
    random: systemRandom,
    log,
    transport,
    configuration,
    metrics,
    identity: `${hostname()}_${systemRandom.uuid()}`,
    featureGates: gates,
    serves: ({ group, resource }) => served.has(`${group}/${resource}`),
  });
  const healthChecks = () => (scheduler.elector === undefined ? [] : [leaderHealthCheck(scheduler.elector)]);
  stack.use(await serveComponent(flags, { log, healthChecks, metrics: () => metrics.text() }));
  await scheduler.run(stop.signal);
}

export function kubeSchedulerCommand(): Command {
  return new Command('kube-scheduler')
    .description("the scheduler alone, with upstream's flags")
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]')
    .action((args: string[]) => run(args));
}
