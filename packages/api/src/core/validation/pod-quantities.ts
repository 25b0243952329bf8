/** Quantities as the validation of pods uses them: as text, since objects are JSON. */
import { parseQuantity, type Quantity } from '@kubets/apimachinery/quantity';

/** -1, 0 or 1. Both are valid quantities: the decoder has seen to that. */
export function compareQuantityText(a: string, b: string): number {
  return a === b ? 0 : parseQuantity(a).compare(parseQuantity(b));
}

/** Whole units only. */
export function isWholeQuantity(quantity: Quantity): boolean {
  return quantity.milliValue() % 1000 === 0;
}
