import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseApiVersion } from '@kubets/apimachinery/meta';
import { describe, expect, it } from 'vitest';
import { tableColumns } from '../facts.ts';
import { kindInfo } from '../scheme.ts';
import { servedResources } from '../resources.ts';
import { printerFor } from './printer-for.ts';

const now = Date.parse('2026-01-10T00:00:00Z');

describe('printerFor', () => {
  it('shows an unknown age and creation', () => {
    expect(printerFor('', 'Secret').cells({ metadata: { name: 'x', creationTimestamp: null } }, now)[3]).toBe(
      '<unknown>',
    );
    expect(printerFor('', 'LimitRange').cells({}, now)).toEqual(['', '0001-01-01T00:00:00Z']);
  });

  it('keeps columns as the facts have them', () => {
    expect(printerFor('', 'Pod').columns.slice(0, 1).concat(printerFor('', 'Pod').columns.slice(5, 6))).toEqual([
      { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
      { name: 'IP', type: 'string', format: '', description: '', priority: 1 },
    ]);
    expect(printerFor('', 'Pod')).toBe(printerFor('', 'Pod'));
  });

  it('has own columns for every served kind that has them, and survives an empty object', () => {
    const { tables } = tableColumns();
    for (const { group, kind } of servedResources()) {
      const fact = tables.find((t) => t.group === group && t.kind === kind);
      const expected = fact === undefined || fact.columns === 'default' ? 2 : fact.columns.length;
      const printer = printerFor(group, kind);
      expect([group, kind, printer.columns.length]).toEqual([group, kind, expected]);
      expect(printer.cells({}, now)).toHaveLength(expected);
    }
  });
});

const fixtures = join(import.meta.dirname, '../../../../../shared/reference/testdata/api');

describe.skipIf(!existsSync(fixtures))('fixtures with every field set', () => {
  const files = existsSync(fixtures)
    ? readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.json'))
    : [];

  it('print one text, number or truth value per column, of the column’s type', () => {
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) {
      const object = JSON.parse(readFileSync(join(fixtures, file), 'utf8')) as { apiVersion?: string; kind: string };
      const group = object.apiVersion?.includes('/') ? object.apiVersion.slice(0, object.apiVersion.indexOf('/')) : '';
      const printer = printerFor(group, object.kind);
      const cells = printer.cells(object as never, now);
      expect([file, cells.length]).toEqual([file, printer.columns.length]);
      for (const [i, cell] of cells.entries()) {
        const types = printer.columns[i]!.type === 'integer' ? ['number'] : ['string', 'number', 'boolean'];
        expect([file, i, types.includes(typeof cell)]).toEqual([file, i, true]);
      }
    }
  });

  /** Each place in the value: its holder and its key. */
  function* places(value: unknown): Generator<[Record<string, unknown>, string]> {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      yield [value as Record<string, unknown>, key];
      yield* places((value as Record<string, unknown>)[key]);
    }
  }

  it('print whatever the decoder lets through when something is null', () => {
    let count = 0;
    for (const file of files) {
      const object = JSON.parse(readFileSync(join(fixtures, file), 'utf8')) as Record<string, unknown>;
      const groupVersion = parseApiVersion((object['apiVersion'] as string | undefined) ?? '');
      const info = groupVersion && kindInfo({ ...groupVersion, kind: object['kind'] as string });
      if (groupVersion === undefined || info === undefined) continue;
      const printer = printerFor(groupVersion.group, info.gvk.kind);
      for (const [holder, key] of places(object)) {
        // A sample: all of them take ten seconds, and differ little.
        if (count++ % 37 !== 0) continue;
        const old = holder[key];
        holder[key] = null;
        const cells = printer.cells(info.decode(structuredClone(object)), now);
        expect([file, key, cells.every((cell) => cell !== null && cell !== undefined)]).toEqual([file, key, true]);
        holder[key] = old;
      }
    }
    expect(count).toBeGreaterThan(1000);
  });
});
