/** Amounts by resource name (`apiserver/pkg/quota/v1/resources.go`). */
import { parseQuantity, zeroQuantity, type Quantity } from '@kubets/apimachinery/quantity';

export type Amounts = Map<string, Quantity>;

/** From the API's form. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined | null): Amounts {
  const amounts: Amounts = new Map();
  for (const name in list) amounts.set(name, parseQuantity(list[name] ?? '0'));
  return amounts;
}

/** To the API's form, by name. */
export function toList(amounts: ReadonlyMap<string, Quantity>): Record<string, string> {
  return Object.fromEntries(
    [...amounts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, q]) => [name, q.toString()]),
  );
}

/** Adds in place. */
export function addAmount(amounts: Amounts, name: string, quantity: Quantity): void {
  amounts.set(name, amounts.get(name)?.add(quantity) ?? quantity);
}

/** `a - b`, for the names of both. */
export function subtract(a: ReadonlyMap<string, Quantity>, b: ReadonlyMap<string, Quantity>): Amounts {
  const result: Amounts = new Map(a);
  for (const [name, quantity] of b) result.set(name, (a.get(name) ?? zeroQuantity).sub(quantity));
  return result;
}

/** `a + b`, for the names of both. */
export function add(a: ReadonlyMap<string, Quantity>, b: ReadonlyMap<string, Quantity>): Amounts {
  const result: Amounts = new Map(a);
  for (const [name, quantity] of b) addAmount(result, name, quantity);
  return result;
}

/** Only the given names. */
export function mask(amounts: ReadonlyMap<string, Quantity>, names: Iterable<string>): Amounts {
  const result: Amounts = new Map();
  for (const name of names) {
    const quantity = amounts.get(name);
    if (quantity !== undefined) result.set(name, quantity);
  }
  return result;
}

/** `cpu=1,memory=1Gi`, by name. */
export function amountsText(amounts: ReadonlyMap<string, Quantity>): string {
  return Object.entries(toList(amounts))
    .map(([name, quantity]) => `${name}=${quantity}`)
    .join(',');
}
