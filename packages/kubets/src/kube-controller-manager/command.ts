/** `kubets kube-controller-manager`: the controllers alone, with upstream's flags. */
import { Command } from 'commander';
import { systemClock, systemRandom } from '@kubets/apimachinery/system-clock';
import { transportFor, type Transport } from '@kubets/client';
import { background } from '../up/background.ts';
import { stopSignal } from '../up/signals.ts';
import { UserError } from '../user-error.ts';
import { clientConfig, leaderElectionOf, logOf, requestPolicy, serveComponent } from '../serving/serve.ts';
import { AccountTransport } from './account-transport.ts';
import { controllerManagerHelp, parseControllerManagerFlags, type ControllerManagerFlags } from './flags.ts';
import { controllerOptions } from './options.ts';

/** One for each service account; absent when all controllers act as the manager. */
function accountTransports(
  flags: ControllerManagerFlags,
  manager: Transport,
  stack: AsyncDisposableStack,
): { transportFor?: (account: string) => Transport } {
  if (!flags['use-service-account-credentials']) return {};
  const config = clientConfig('kubeconfig', flags.kubeconfig);
  const policy = requestPolicy(flags);
  const known = new Map<string, Transport>();
  return {
    transportFor(account) {
      let transport = known.get(account);
      if (transport === undefined) {
        transport = stack.use(new AccountTransport({ account, config, manager, policy }));
        known.set(account, transport);
      }
      return transport;
    },
  };
}

/** Runs until a signal. A wrong option is a {@link UserError}. */
async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(controllerManagerHelp());
    return;
  }
  const flags = parseControllerManagerFlags(args);
  const options = controllerOptions(flags);
  const log = logOf(flags);
  const stopped = stopSignal(systemClock);
  await using stack = new AsyncDisposableStack();
  const { createControllerManager } = await import('@kubets/kube-controller-manager');
  const transport = stack.use(
    transportFor(clientConfig('kubeconfig', flags.kubeconfig), systemClock, requestPolicy(flags)),
  );
  const shutdownTimeoutMs = flags['controller-shutdown-timeout'];
  const leaderElection = leaderElectionOf(flags);
  const manager = wrongFlags(() =>
    createControllerManager({
      clock: systemClock,
      random: systemRandom,
      log,
      transport,
      ...accountTransports(flags, transport, stack),
      controllers: flags.controllers,
      options,
      featureGates: flags['feature-gates'],
      ...(leaderElection && { leaderElection }),
      shutdownTimeoutMs,
    }),
  );
  const healthChecks = () => manager.healthChecks();
  stack.use(await serveComponent(flags, { log, healthChecks, metrics: () => manager.metrics.text() }));
  const stopMs = shutdownTimeoutMs + 1000;
  const main = (signal: AbortSignal): Promise<void> => manager.run(signal);
  stack.use(background({ name: 'kube-controller-manager', clock: systemClock, log, stopMs, run: main }));
  await stopped;
}

/** What goes wrong in putting it together follows from the flags. */
function wrongFlags<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UserError((error as Error).message, { cause: error });
  }
}

export function kubeControllerManagerCommand(): Command {
  return new Command('kube-controller-manager')
    .description("the controllers alone, with upstream's flags")
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]')
    .action((args: string[]) => run(args));
}
