/** The file of `--simulated-stages`. */
import { parseDocument } from 'yaml';
import { readStages, type Stage } from './stages.ts';

/**
 * The rules of a YAML text, with the default ones behind them.
 *
 * @throws Error that names the place and what is wrong there.
 */
export function parseStages(text: string): readonly Stage[] {
  const document = parseDocument(text);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw problem;
  const file: unknown = document.toJS();
  return readStages(file ?? { stages: [] });
}
