/** The flags of `kubets kube-scheduler`: upstream's names and meanings, as far as they are built. */
import { flag, FlagSet, type ValuesOf } from '../flags/flag-set.ts';
import { text } from '../flags/readers.ts';
import { kubeSchedulerFlags } from '../generated/flags.ts';
import { clientFlags, leaderElectionFlags, securePort, servingFlags } from '../serving/flags.ts';

const leaderElection = leaderElectionFlags('kube-scheduler');

const flags = {
  config: flag({ read: text, default: '', help: 'a KubeSchedulerConfiguration; it wins over the client flags below' }),
  ...clientFlags,
  ...servingFlags,
  'secure-port': securePort(10_259),
  ...leaderElection,
};

const set = new FlagSet('kube-scheduler', flags, kubeSchedulerFlags);

export type SchedulerFlags = ValuesOf<typeof flags>;

/** For the test that compares them with upstream's. */
export const schedulerFlagNames: readonly string[] = Object.keys(flags);

/** Throws a UserError for unknown flags, flags that are not built, bad values and missing ones. */
export const parseSchedulerFlags = (args: readonly string[]): SchedulerFlags => set.parse(args);

/** The names of the flags that are given: those of leader election win over the file only then. */
export const givenSchedulerFlags = (args: readonly string[]): ReadonlySet<string> => set.given(args);

/** One line a flag. */
export const schedulerHelp = (): string => set.help();
