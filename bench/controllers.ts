/** `npm run bench -- controllers`: how fast what is wished for becomes true, on simulated nodes. */
import { parseArgs } from 'node:util';
import { controllerRows, type Figure } from './controllers-rows.ts';

const usage = `npm run bench -- controllers [flags]
  --only a,b  only these rows: ${controllerRows.map(({ name, long }) => `${name}${long === true ? ' (long)' : ''}`).join(', ')}
  --long      the long ones too`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function show({ what, value, unit, target }: Figure): void {
  const digits = unit === 's' ? 2 : unit === 'ms' ? 1 : 0;
  say(
    `  ${what.padEnd(50)}${value.toFixed(digits).padStart(10)} ${unit}${target === undefined ? '' : `  (target ${target})`}`,
  );
}

/** Resolves to the figures of each row. */
export async function main(args: readonly string[]): Promise<Record<string, readonly Figure[]> | undefined> {
  const options = {
    only: { type: 'string' },
    long: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) {
    say(usage);
    return undefined;
  }
  const wanted = values.only?.split(',');
  const rows = controllerRows.filter(({ name, long }) =>
    wanted === undefined ? long !== true || values.long === true : wanted.includes(name),
  );
  const figures: Record<string, readonly Figure[]> = {};
  for (const row of rows) {
    say(row.title);
    const found = await row.run();
    figures[row.name] = found;
    found.forEach(show);
  }
  return figures;
}
