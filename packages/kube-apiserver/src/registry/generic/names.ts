/** Name checks for strategies, by the names upstream's strategies call them. With `prefix`, a name that generateName will complete. */
import { nameIsDNSSubdomain, validatePathSegmentName, type NameValidator } from '@kubets/apimachinery/names';

/** `NameIsDNSSubdomain`. */
export const dns1123Subdomain: NameValidator = nameIsDNSSubdomain;

/** `path.ValidatePathSegmentName`: whatever fits into one segment of a URL's path. */
export const pathSegmentName: NameValidator = validatePathSegmentName;
