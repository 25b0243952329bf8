/**
 * Name checks as pods need them: answers are remembered, since a cluster's pods use the same few names
 * over and over (container, volume, port, variable names), and a set is several times faster than the patterns.
 */
import {
  isConfigMapKey,
  isDNS1123Label,
  isDNS1123Subdomain,
  isDNS1123SubdomainWithUnderscore,
  isHTTPHeaderName,
  isQualifiedName,
  isRelaxedEnvVarName,
  isValidLabelValue,
  isValidPortName,
  isValidPortNum,
  nameIsDNSSubdomain,
} from '@kubets/apimachinery/names';

type Check = (value: string) => string[];

const limit = 4096;
const maxLength = 128;
const fine: string[] = [];

/** Remembers values that passed; failures, and values too long to keep, are checked each time. */
function remembered(check: Check): Check {
  const good = new Set<string>();
  return (value) => {
    if (good.has(value)) return fine;
    const messages = check(value);
    if (messages.length === 0 && value.length <= maxLength) {
      // Dropping all at the limit keeps the bound cheap.
      if (good.size >= limit) good.clear();
      good.add(value);
    }
    return messages;
  };
}

export const dnsLabel: Check = remembered(isDNS1123Label);
export const dnsSubdomain: Check = remembered(isDNS1123Subdomain);
export const underscoreSubdomain: Check = remembered(isDNS1123SubdomainWithUnderscore);
export const qualifiedName: Check = remembered(isQualifiedName);
export const labelValue: Check = remembered(isValidLabelValue);
export const portName: Check = remembered(isValidPortName);
export const configMapKey: Check = remembered(isConfigMapKey);
export const relaxedEnvName: Check = remembered(isRelaxedEnvVarName);
export const httpHeaderName: Check = remembered(isHTTPHeaderName);

export const portNumber = (port: number): string[] => (port >= 1 && port <= 65_535 ? fine : isValidPortNum(port));

/** A name; with `prefix`, one that generateName will complete. */
export const nameIsSubdomain = (name: string, prefix: boolean): string[] =>
  prefix ? nameIsDNSSubdomain(name, true) : dnsSubdomain(name);
