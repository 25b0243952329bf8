/** The flags of one component: upstream's names and meanings, as far as they are built. */
import { UserError } from '../user-error.ts';
import { bool, type Reader } from './readers.ts';

export interface Flag<T> {
  readonly read: Reader<T>;
  /** What an absent flag means; required when there is none. */
  readonly default?: T;
  readonly required?: true;
  /** Given several times, the values are put together. */
  readonly repeat?: true;
  readonly help: string;
}

export const flag = <T>(definition: Flag<T>): Flag<T> => definition;

/** By name, without the dashes. */
export type FlagDefinitions = Readonly<Record<string, Flag<unknown>>>;
/** What parsing gives. */
export type ValuesOf<D> = { readonly [K in keyof D]: D[K] extends Flag<infer T> ? T : never };

function merged(old: unknown, value: unknown, repeat: boolean): unknown {
  return repeat && Array.isArray(old) && Array.isArray(value)
    ? [...(old as unknown[]), ...(value as unknown[])]
    : value;
}

export class FlagSet<D extends { readonly [K in keyof D]: Flag<unknown> }> {
  readonly #component: string;
  readonly #definitions: FlagDefinitions;
  readonly #upstream: readonly string[];

  /** `upstream`: all flags that upstream's component has. */
  constructor(component: string, definitions: D, upstream: readonly string[]) {
    this.#component = component;
    this.#definitions = definitions as unknown as FlagDefinitions;
    this.#upstream = upstream;
  }

  /** Throws a {@link UserError} for unknown flags, flags that are not built, bad values and missing ones. */
  parse(args: readonly string[]): ValuesOf<D> {
    const values: Record<string, unknown> = {};
    for (const [name, value] of this.#pairs(args)) {
      const definition = this.#known(name);
      values[name] = merged(values[name], definition.read(value, name), definition.repeat === true);
    }
    for (const [name, definition] of Object.entries(this.#definitions)) {
      if (values[name] !== undefined) continue;
      if (definition.required === true) throw new UserError(`required flag --${name} is not set`);
      values[name] = definition.default;
    }
    return values as unknown as ValuesOf<D>;
  }

  /** The names of the flags that are given. Throws as {@link parse} does for unknown ones. */
  given(args: readonly string[]): ReadonlySet<string> {
    return new Set(this.#pairs(args).map(([name]) => name));
  }

  /** One line a flag. */
  help(): string {
    const lines = Object.entries(this.#definitions).map(([name, { help, required, default: value }]) => {
      const shown = value === '' || value === undefined ? '' : `(default ${JSON.stringify(value)})`;
      return `  --${name.padEnd(40)} ${help} ${required === true ? '(required)' : shown}`.trimEnd();
    });
    return `Usage: kubets ${this.#component} [flags]\n\n${lines.join('\n')}\n`;
  }

  /** Cuts `--name=value`, `--name value` and bare boolean `--name` into pairs. */
  #pairs(args: readonly string[]): [name: string, value: string][] {
    const found: [string, string][] = [];
    for (let i = 0; i < args.length; i++) {
      const arg = args[i] ?? '';
      const match = /^--?([^=]+)(?:=(.*))?$/s.exec(arg);
      if (match === null) throw new UserError(`${this.#component} takes no arguments: ${JSON.stringify(arg)}`);
      const [, name = '', value] = match;
      const known = this.#known(name);
      if (value !== undefined) found.push([name, value]);
      else if (known.read === bool) found.push([name, 'true']);
      else if (i + 1 < args.length) found.push([name, args[++i] ?? '']);
      else throw new UserError(`flag needs an argument: --${name}`);
    }
    return found;
  }

  #known(name: string): Flag<unknown> {
    const known = Object.hasOwn(this.#definitions, name) ? this.#definitions[name] : undefined;
    if (known !== undefined) return known;
    if (this.#upstream.includes(name)) {
      throw new UserError(`--${name} is a flag of upstream's ${this.#component} that kubets has not built yet`);
    }
    throw new UserError(`unknown flag: --${name}`);
  }
}
