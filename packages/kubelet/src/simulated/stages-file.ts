/** The file of `--simulated-stages`. */
import { parse } from 'yaml';
import { readStages, type Stage } from './stages.ts';

/**
 * The rules of a YAML text, with the default ones behind them.
 *
 * @throws Error that names the place and what is wrong there.
 */
export function parseStages(text: string): readonly Stage[] {
  const file: unknown = parse(text);
  return readStages(file ?? { stages: [] });
}
