/** Logs of a component: pino, as text for people or JSON for machines, always on standard error. */
import { pino, type Logger } from 'pino';

export type LogFormat = 'text' | 'json';

/** A line as klog writes it: level and time first, then the message and its fields. */
function textLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as { level: number; time: number; msg: string };
  const letter = level >= 50 ? 'E' : level >= 40 ? 'W' : 'I';
  const stamp = new Date(time).toISOString();
  const date = `${stamp.slice(5, 7)}${stamp.slice(8, 10)}`;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${letter}${date} ${stamp.slice(11, 23)} ${[msg, ...rest].join(' ')}\n`;
}

const toStandardError = (line: string): void => void process.stderr.write(line);

/**
 * `-v`: 0 warnings and errors, 1 and 2 also what happens, from 3 on every detail. `write` gets whole
 * lines, line ends included.
 */
export function createLog(format: LogFormat, verbosity: number, write = toStandardError): Logger {
  const level = verbosity <= 0 ? 'warn' : verbosity <= 2 ? 'info' : 'debug';
  return pino({ level, base: null }, { write: (line: string) => write(format === 'json' ? line : textLine(line)) });
}
