/** Words a JSON syntax error as Go's scanner does (`encoding/json/scanner.go`): users know these texts. */

class Failure extends Error {}

const isSpace = (c: string): boolean => c === ' ' || c === '\n' || c === '\r' || c === '\t';
const isDigit = (c: string): boolean => c >= '0' && c <= '9';

function quoted(c: string): string {
  if (c === "'") return `'\\''`;
  if (c === '"') return `'"'`;
  const code = c.charCodeAt(0);
  if (code < 32 || code === 127) {
    const named: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    return `'${named[c] ?? `\\x${code.toString(16).padStart(2, '0')}`}'`;
  }
  return `'${c}'`;
}

/** Reads a document from left to right and fails at the character at which Go's scanner does. */
class SyntaxScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #next(): string {
    if (this.#at >= this.#text.length) throw new Failure('unexpected end of JSON input');
    return this.#text[this.#at++] ?? '';
  }

  #nextToken(): string {
    let c = this.#next();
    while (isSpace(c)) c = this.#next();
    return c;
  }

  #bad(c: string, where: string): never {
    throw new Failure(`invalid character ${quoted(c)} ${where}`);
  }

  /** Values are kept on a list instead of the call stack: hostile nesting must not overflow it. */
  document(): void {
    const open: ('{' | '[')[] = [];
    this.#open(this.#nextToken(), open);
    while (open.length > 0) this.#more(open);
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] ?? '';
      if (!isSpace(c)) this.#bad(c, 'after top-level value');
    }
  }

  /** One value begins with `c`; objects and lists are pushed, all else is read whole. */
  #open(c: string, open: ('{' | '[')[]): void {
    if (c === '{') {
      const first = this.#nextToken();
      if (first === '}') return;
      open.push('{');
      this.#key(first, 'looking for beginning of object key string');
      this.#open(this.#nextToken(), open);
    } else if (c === '[') {
      const first = this.#nextToken();
      if (first === ']') return;
      open.push('[');
      this.#open(first, open);
    } else this.#scalar(c);
  }

  #more(open: ('{' | '[')[]): void {
    const inObject = open.at(-1) === '{';
    const c = this.#nextToken();
    if (c === (inObject ? '}' : ']')) {
      open.pop();
      return;
    }
    if (c !== ',') this.#bad(c, inObject ? 'after object key:value pair' : 'after array element');
    if (inObject) this.#key(this.#nextToken(), 'looking for beginning of object key string');
    this.#open(this.#nextToken(), open);
  }

  #key(c: string, where: string): void {
    if (c !== '"') this.#bad(c, where);
    this.#string();
    const colon = this.#nextToken();
    if (colon !== ':') this.#bad(colon, 'after object key');
  }

  #scalar(c: string): void {
    if (c === '"') this.#string();
    else if (c === 't') this.#literal('true');
    else if (c === 'f') this.#literal('false');
    else if (c === 'n') this.#literal('null');
    else if (c === '-' || isDigit(c)) this.#number(c);
    else this.#bad(c, 'looking for beginning of value');
  }

  #string(): void {
    for (let c = this.#next(); c !== '"'; c = this.#next()) {
      if (c < ' ') this.#bad(c, 'in string literal');
      if (c !== '\\') continue;
      const escape = this.#next();
      if (escape === 'u') this.#hex();
      else if (!'bfnrt\\/"'.includes(escape)) this.#bad(escape, 'in string escape code');
    }
  }

  #hex(): void {
    for (let i = 0; i < 4; i++) {
      const c = this.#next();
      if (!/[0-9a-fA-F]/.test(c)) this.#bad(c, 'in \\u hexadecimal character escape');
    }
  }

  #literal(word: string): void {
    for (const expected of word.slice(1)) {
      const c = this.#next();
      if (c !== expected) this.#bad(c, `in literal ${word} (expecting ${quoted(expected)})`);
    }
  }

  #digits(): void {
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++;
  }

  #number(first: string): void {
    let c = first;
    if (c === '-') {
      c = this.#next();
      if (!isDigit(c)) this.#bad(c, 'in numeric literal');
    }
    if (c !== '0') this.#digits();
    if (this.#text[this.#at] === '.') this.#fraction('after decimal point in numeric literal');
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      const sign = this.#text[this.#at + 1];
      if (sign === '+' || sign === '-') this.#at++;
      this.#fraction('in exponent of numeric literal');
    }
  }

  #fraction(where: string): void {
    this.#at++;
    const c = this.#next();
    if (!isDigit(c)) this.#bad(c, where);
    this.#digits();
  }
}

/** Go's text for what is wrong with `text`; `undefined` when nothing is. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    new SyntaxScanner(text).document();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}
