/** Compiled label selectors, kept as long as the objects they come from. */
import { compileLabelSelector, type LabelSelector } from '@kubets/apimachinery/label-selector';
import { Selector } from '@kubets/apimachinery/labels';

/**
 * Makes a function that compiles selectors as `compileLabelSelector` does, each object once. Objects in caches are immutable
 * and live long, while every change of a pod asks for their selectors.
 *
 * The function throws an Error when an operator, a key or a value is invalid.
 */
export function selectorCache(): (selector: Readonly<LabelSelector> | null | undefined) => Selector {
  const compiled = new WeakMap<object, Selector>();
  return (selector) => {
    if (selector === null || selector === undefined) return Selector.nothing;
    let known = compiled.get(selector);
    if (known === undefined) compiled.set(selector, (known = compileLabelSelector(selector)));
    return known;
  };
}
