/** `kubets up`: a cluster in one process, in the foreground. */
import { Command } from 'commander';
import { defaultDataDirectory } from './data-directory.ts';
import { simulationDefaults, upOptions, type UpFlags } from './options.ts';
import { runUp } from './run.ts';

/** Those that kubeadm switches on: what is on by default, and the two for joining nodes. */
const defaultControllers = '*,bootstrap-signer-controller,token-cleaner-controller';

export function upCommand(): Command {
  return new Command('up')
    .description('start a cluster in the foreground')
    .option('--control-plane-only', 'no node: API server, controllers and scheduler')
    .option('--data-dir <dir>', 'where keys and data are kept (or $KUBETS_DATA_DIR)', defaultDataDirectory())
    .option('--bind-address <ip>', 'address to listen on', '127.0.0.1')
    .option('--secure-port <n>', 'port to listen on', '6443')
    .option('--write-kubeconfig <file>', "also write the administrator's kubeconfig here")
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services; two ranges for dual stack', '10.96.0.0/12')
    .option('--cluster-cidr <cidr>', 'addresses of pods; two ranges for dual stack (default: 10.244.0.0/16)')
    .option('--controllers <list>', "controllers to run, as upstream's flag of that name", defaultControllers)
    .option('--no-controllers', 'run no controllers')
    .option('--no-scheduler', 'run no scheduler')
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration')
    .option('--simulate-nodes <n>', 'so many nodes whose kubelet is simulated; those of an earlier start are removed')
    .option('--simulated-stages <file>', 'what simulated pods do, and when: see the README')
    .option('--simulated-capacity <list>', `what each of them has (default: ${simulationDefaults.simulatedCapacity})`)
    .option(
      '--simulated-taint <effect>',
      `of the taint kubets.dev/simulated; or none (default: ${simulationDefaults.simulatedTaint})`,
    )
    .option('--simulated-zones <n>', 'spread them over so many zones; 0: none (default: 0)')
    .option('--log-format <format>', 'text or json', 'text')
    .option('-v <n>', 'verbosity of the log on standard error, 0 to 10', '0')
    .allowExcessArguments(false)
    .action((flags: UpFlags) => runUp(upOptions(flags)));
}
