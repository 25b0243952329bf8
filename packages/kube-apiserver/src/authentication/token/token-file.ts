/** The static token file (`apiserver/pkg/authentication/token/tokenfile/tokenfile.go`). */
import type { UserInfo } from '../../server/types.ts';
import type { TokenAuthenticator, TokenResult } from '../authenticator.ts';
import { asAuthenticated } from '../user.ts';

/**
 * Parses lines of `token,user name,user uid[,"group1,group2"]`. Throws an Error naming the file for lines with
 * less. Lines without a token are skipped; of a repeated token the last line counts.
 */
export function parseTokenFile(text: string, file: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const columns = csvColumns(line, file);
    const [token = '', name = '', uid = '', groups = ''] = columns;
    if (columns.length < 3) {
      throw new Error(
        `token file '${file}' must have at least 3 columns (token, user name, user uid), found ${columns.length}`,
      );
    }
    if (token === '') continue;
    const list = groups === '' ? [] : groups.split(',').map((group) => group.trim());
    users.set(token, asAuthenticated({ name, groups: list, ...(uid !== '' && { uid }) }));
  }
  return users;
}

/** One line of RFC 4180: fields may be quoted, `""` stands for a quote. */
function csvColumns(line: string, file: string): string[] {
  const columns: string[] = [];
  let rest = line;
  for (;;) {
    rest = rest.trimStart();
    const match = rest.startsWith('"') ? /^"((?:[^"]|"")*)"\s*(,|$)/.exec(rest) : /^([^,"]*)(,|$)/.exec(rest);
    if (match === null) throw new Error(`token file '${file}' has a line with misplaced quotes`);
    columns.push((match[1] ?? '').replaceAll('""', '"').trim());
    if (match[2] === '') return columns;
    rest = rest.slice(match[0].length);
  }
}

/** Tokens looked up as they are; good for the server's own audiences. */
export class TokenFileAuthenticator implements TokenAuthenticator {
  readonly #users: ReadonlyMap<string, UserInfo>;

  constructor(users: ReadonlyMap<string, UserInfo>) {
    this.#users = users;
  }

  authenticateToken(token: string, audiences: readonly string[]): TokenResult | undefined {
    const user = this.#users.get(token);
    return user === undefined ? undefined : { user, audiences };
  }
}
