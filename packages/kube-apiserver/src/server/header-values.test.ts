import { describe, expect, it } from 'vitest';
import { headerValues } from './header-values.ts';
import { wantedUserOf } from './impersonation/wanted-user.ts';

/** As Node hands them over: joined in `headers`, one by one in `rawHeaders`. */
function sent(...rawHeaders: string[]): { headers: Record<string, string>; rawHeaders: string[] } {
  const headers: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${rawHeaders[i + 1]}` : rawHeaders[i + 1]!;
  }
  return { headers, rawHeaders };
}

describe('headerValues', () => {
  it('keeps a value with a comma whole, and repeated headers apart', () => {
    const request = sent('X-Remote-Group', 'a, system:masters', 'x-remote-group', 'b', 'X-Other', 'c');
    expect(headerValues(request, 'x-remote-group')).toEqual(['a, system:masters', 'b']);
    expect(headerValues(request, 'x-none')).toEqual([]);
    expect(headerValues({ headers: { a: '1, 2' } }, 'a')).toEqual(['1', '2']);
  });
});

describe('wantedUserOf', () => {
  it('takes a group named like a list for one group, and the first user of several', () => {
    const request = sent(
      'Impersonate-User',
      'bob',
      'Impersonate-User',
      'eve',
      'Impersonate-Group',
      'a, system:masters',
      'Impersonate-Extra-__proto__',
      'x',
    );
    const wanted = wantedUserOf(request);
    expect(wanted).toMatchObject({ name: 'bob', groups: ['a, system:masters'] });
    expect(wanted?.extra.get('__proto__')).toEqual(['x']);
  });
});
