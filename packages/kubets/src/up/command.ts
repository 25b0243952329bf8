/** `kubets up`: a cluster in one process, in the foreground. */
import { Command } from 'commander';
import { defaultDataDirectory } from './data-directory.ts';
import { upOptions, type UpFlags } from './options.ts';
import { runUp } from './run.ts';

export function upCommand(): Command {
  return new Command('up')
    .description('start a cluster in the foreground')
    .option('--control-plane-only', 'no node: API server and store')
    .option('--data-dir <dir>', 'where keys and data are kept (or $KUBETS_DATA_DIR)', defaultDataDirectory())
    .option('--bind-address <ip>', 'address to listen on', '127.0.0.1')
    .option('--secure-port <n>', 'port to listen on', '6443')
    .option('--write-kubeconfig <file>', "also write the administrator's kubeconfig here")
    .option('--service-cluster-ip-range <cidr>', 'addresses of Services; two ranges for dual stack', '10.96.0.0/12')
    .option('--log-format <format>', 'text or json', 'text')
    .option('-v <n>', 'verbosity of the log on standard error, 0 to 10', '0')
    .allowExcessArguments(false)
    .action((flags: UpFlags) => runUp(upOptions(flags)));
}
