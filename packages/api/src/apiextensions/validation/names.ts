/** The names of a custom resource (`ValidateCustomResourceDefinitionNames`). */
import { isDNS1035Label } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';
import type { CustomResourceDefinitionNames } from '../../generated/types/apiextensions-v1.ts';

function checkLabel(errors: ErrorList, name: string, path: string): void {
  const wrong = isDNS1035Label(name).join(',');
  if (wrong !== '') errors.invalid(path, name, wrong);
}

export function checkNames(errors: ErrorList, names: Partial<CustomResourceDefinitionNames>, path: string): void {
  const { kind = '', listKind = '', shortNames = [], categories = [] } = names;
  for (const field of ['plural', 'singular'] as const) {
    if (names[field]) checkLabel(errors, names[field], `${path}.${field}`);
  }
  for (const [field, value] of Object.entries({ kind, listKind })) {
    const wrong = value === '' ? '' : isDNS1035Label(value.toLowerCase()).join(',');
    const detail = `may have mixed case, but should otherwise match: ${wrong}`;
    if (wrong !== '') errors.invalid(`${path}.${field}`, value, detail);
  }
  shortNames.forEach((name, i) => checkLabel(errors, name, `${path}.shortNames[${i}]`));
  if (kind !== '' && kind === listKind) {
    errors.invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same');
  }
  categories.forEach((name, i) => checkLabel(errors, name, `${path}.categories[${i}]`));
}

/** In the spec, all four names are needed; defaults fill two of them. */
export function checkRequiredNames(
  errors: ErrorList,
  names: Partial<CustomResourceDefinitionNames>,
  path: string,
): void {
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[field]) errors.required(`${path}.${field}`);
  }
}
