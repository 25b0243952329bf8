/** The `kubets` command. */
import { Command, CommanderError } from 'commander';
import { kubeApiserverCommand } from './kube-apiserver/command.ts';
import { upCommand } from './up/command.ts';
import { UserError } from './user-error.ts';

/** The whole command line; parsing throws CommanderError instead of ending the process. */
export function kubetsCommand(): Command {
  return new Command('kubets')
    .description('Kubernetes 1.36 in one program')
    .exitOverride()
    .addCommand(upCommand())
    .addCommand(kubeApiserverCommand());
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

const exitCode = await main(process.argv);
// Natural end, unless something still holds the process: the command has finished its own shutdown.
process.exit(exitCode);
