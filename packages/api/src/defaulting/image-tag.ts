/** The tag of an image reference, as defaulting of `imagePullPolicy` reads it (`pkg/util/parsers.ParseImageName`). */

const domain = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?$/;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

function isName(name: string): boolean {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain =
    first.includes('.') || first.includes(':') || first === 'localhost' || first.toLowerCase() !== first;
  const path = hasDomain ? name.slice(slash + 1) : name;
  return (!hasDomain || domain.test(first)) && path.split('/').every((part) => component.test(part));
}

/** Images repeat from pod to pod; dropping all at the limit keeps the bound cheap. */
const cacheLimit = 1000;
const cache = new Map<string, string>();

/** `latest` without tag and digest; empty for a digest without tag, and for what is no image reference. */
export function imageTag(image: string): string {
  const known = cache.get(image);
  if (known !== undefined) return known;
  const tag = parseTag(image);
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(image, tag);
  return tag;
}

function parseTag(image: string): string {
  const at = image.indexOf('@');
  const digest = at < 0 ? '' : image.slice(at + 1);
  const named = at < 0 ? image : image.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : '';
  const name = hasTag ? named.slice(0, colon) : named;
  if (!isName(name) || (hasTag && !tagPattern.test(tag)) || (at >= 0 && !digestPattern.test(digest))) return '';
  return tag !== '' ? tag : at >= 0 ? '' : 'latest';
}
