/** The codecs and printers of package `api`, as encoding asks for them. */
import { convert, needsConversion } from '@kubets/api/conversion/convert';
import type { Printer } from '@kubets/api/printers/printer';
import { printerFor } from '@kubets/api/printers/printer-for';
import { resourceByGVK } from '@kubets/api/resources';
import { kindInfo } from '@kubets/api/scheme';
import { encodeYaml } from '@kubets/apimachinery/codec/yaml';
import type { ApiObject, GroupVersionKind } from '@kubets/apimachinery/meta';
import type { ObjectCodecs } from './encode-environment.ts';

type Encode = (object: object) => Uint8Array;

const encoders = new Map<string, Encode | undefined>();

function makeEncoder(gvk: GroupVersionKind): Encode | undefined {
  const info = kindInfo(gvk);
  return info === undefined
    ? undefined
    : (object) => info.encodeProtobufMessage(object as Readonly<Record<string, unknown>>);
}

function protobufOf(gvk: GroupVersionKind): Encode | undefined {
  const key = `${gvk.group}/${gvk.version}/${gvk.kind}`;
  let encode = encoders.get(key);
  if (encode === undefined) {
    encode = makeEncoder(gvk);
    if (encode !== undefined) encoders.set(key, encode);
  }
  return encode;
}

/** Printers know the storage version's shape: objects of another shape are converted first. */
function servedPrinter(gvk: GroupVersionKind): Printer {
  const printer = printerFor(gvk.group, gvk.kind);
  const stored = resourceByGVK(gvk)?.storage;
  if (stored === undefined || !needsConversion(gvk, stored)) return printer;
  return {
    columns: printer.columns,
    rows: (object, now) => printer.rows(convert(object as Readonly<ApiObject>, gvk, stored), now),
    cells: (object, now) => printer.cells(convert(object as Readonly<ApiObject>, gvk, stored), now),
  };
}

export const apiCodecs: ObjectCodecs = {
  printerFor: servedPrinter,
  protobufOf,
  toYaml: encodeYaml,
};
