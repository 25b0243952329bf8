/** The `kubets` command. */
import { kubernetesVersion } from '@kubets/kube-apiserver';
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { kubeApiserverCommand } from './kube-apiserver/command.ts';
import { kubeControllerManagerCommand } from './kube-controller-manager/command.ts';
import { kubeSchedulerCommand } from './kube-scheduler/command.ts';
import { upCommand } from './up/command.ts';
import { UserError } from './user-error.ts';

/** The whole command line; parsing throws CommanderError instead of ending the process. */
export function kubetsCommand(): Command {
  return new Command('kubets')
    .description('Kubernetes 1.36 in one program')
    .version(`kubets ${packageJson.version} (Kubernetes v${kubernetesVersion})`, '--version', 'show the version')
    .addHelpText('after', '\nStart a cluster and look at it:\n  kubets up\n  kubectl get namespaces')
    .exitOverride()
    .showHelpAfterError('(kubets --help shows what there is)')
    .addCommand(upCommand())
    .addCommand(kubeApiserverCommand())
    .addCommand(kubeControllerManagerCommand())
    .addCommand(kubeSchedulerCommand());
}

/** Runs the command line and resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await kubetsCommand().parseAsync([...argv]);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const text = error instanceof UserError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`kubets: ${text}\n`);
    return 1;
  }
}

// Who reads our output may go (`kubets up | head`); a cluster does not end with that.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const exitCode = await main(process.argv);
// Natural end, unless something still holds the process: the command has finished its own shutdown.
process.exit(exitCode);
