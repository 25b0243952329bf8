/** Ingresses (`pkg/apis/networking/validation/validation.go`, `ValidateIngressCreate` and its kin). */
import type { FieldError } from '@kubets/apimachinery/field';
import { isWildcardDNS1123Subdomain } from '@kubets/apimachinery/names';
import { parseIP } from '@kubets/apimachinery/validation-ip';
import { ErrorList } from '../../core/validation/pod-error-list.ts';
import { checkIP } from '../../core/validation/pod-ip.ts';
import { dnsSubdomain, nameIsSubdomain } from '../../core/validation/pod-names.ts';
import type { HTTPIngressPath, Ingress, IngressRule, IngressTLS } from '../../generated/types/networking-v1.ts';
import { checkBackend, type IngressValidationOptions } from './ingress-backend.ts';

const classAnnotation = 'kubernetes.io/ingress.class';
const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badEndings = ['/..', '/.'];
const notAbsolute = 'must be an absolute path';
const notDNS = 'must be a DNS name, not an IP address';

interface At {
  readonly path: string;
  readonly options: IngressValidationOptions;
}

function checkHost(errors: ErrorList, host: string, path: string): void {
  errors.eachInvalid(path, host, host.includes('*') ? isWildcardDNS1123Subdomain(host) : dnsSubdomain(host));
}

function checkPlainPath(errors: ErrorList, text: string, path: string): void {
  if (!text.startsWith('/')) errors.invalid(path, text, notAbsolute);
  for (const part of badSequences) if (text.includes(part)) errors.invalid(path, text, `must not contain '${part}'`);
  for (const part of badEndings) if (text.endsWith(part)) errors.invalid(path, text, `cannot end with '${part}'`);
}

function checkPath(errors: ErrorList, rule: HTTPIngressPath, { path, options }: At): void {
  const { path: text = '', pathType } = rule;
  if (!pathType) return errors.required(`${path}.pathType`, 'pathType must be specified');
  if (pathType === 'Exact' || pathType === 'Prefix') checkPlainPath(errors, text, `${path}.path`);
  else if (pathType !== 'ImplementationSpecific') errors.notSupported(`${path}.pathType`, pathType, pathTypes);
  else if (text !== '' && !text.startsWith('/')) errors.invalid(`${path}.path`, text, notAbsolute);
  checkBackend(errors, rule.backend ?? {}, { path: `${path}.backend`, options });
}

function checkRule(errors: ErrorList, { host = '', http }: IngressRule, { path, options }: At): void {
  if (host !== '') {
    if (parseIP(host) !== undefined) errors.invalid(`${path}.host`, host, notDNS);
    checkHost(errors, host, `${path}.host`);
  }
  if (!http || (host.includes('*') && options.allowInvalidWildcardHostRule)) return;
  if (!http.paths?.length) errors.required(`${path}.http.paths`);
  http.paths?.forEach((rule, i) => checkPath(errors, rule, { path: `${path}.http.paths[${i}]`, options }));
}

function checkTLS(errors: ErrorList, { hosts = [], secretName = '' }: IngressTLS, { path, options }: At): void {
  hosts.forEach((host, i) => checkHost(errors, host, `${path}.hosts[${i}]`));
  if (secretName === '' || options.allowInvalidSecretName) return;
  errors.eachInvalid(`${path}.secretName`, secretName, nameIsSubdomain(secretName, false));
}

function checkSpec(errors: ErrorList, { spec = {} }: Ingress, options: IngressValidationOptions): void {
  const { rules = [], defaultBackend, tls = [], ingressClassName: name } = spec;
  if (rules.length === 0 && !defaultBackend) {
    errors.invalid('spec', null, 'either `defaultBackend` or `rules` must be specified');
  }
  if (defaultBackend) checkBackend(errors, defaultBackend, { path: 'spec.defaultBackend', options });
  rules.forEach((rule, i) => checkRule(errors, rule, { path: `spec.rules[${i}]`, options }));
  tls.forEach((item, i) => checkTLS(errors, item, { path: `spec.tls[${i}]`, options }));
  if (name !== undefined) errors.eachInvalid('spec.ingressClassName', name, nameIsSubdomain(name, false));
}

const noConcessions = { allowInvalidSecretName: false, allowInvalidWildcardHostRule: false };

type Gates = Pick<IngressValidationOptions, 'relaxedServiceNames'>;

export function validateIngress(ingress: Ingress, gates: Gates): FieldError[] {
  const errors = new ErrorList();
  const annotation = ingress.metadata.annotations?.[classAnnotation];
  const name = ingress.spec?.ingressClassName;
  if (annotation !== undefined && name !== undefined && annotation !== name) {
    const detail = 'must match `ingressClassName` when both are specified';
    errors.invalid(`annotations.${classAnnotation}`, annotation, detail);
  }
  checkSpec(errors, ingress, { ...gates, ...noConcessions });
  return errors.errors;
}

function hasBadSecretName({ spec }: Readonly<Ingress>): boolean {
  return (spec?.tls ?? []).some(({ secretName }) => secretName && nameIsSubdomain(secretName, false).length > 0);
}

function hasBadWildcardRule(ingress: Readonly<Ingress>, gates: Gates): boolean {
  const options = { ...gates, ...noConcessions };
  return (ingress.spec?.rules ?? []).some((rule) => {
    if (!rule.host?.includes('*') || !rule.http) return false;
    const errors = new ErrorList();
    checkRule(errors, { http: rule.http }, { path: '', options });
    return errors.length > 0;
  });
}

export function validateIngressUpdate(ingress: Ingress, old: Readonly<Ingress>, gates: Gates): FieldError[] {
  const errors = new ErrorList();
  checkSpec(errors, ingress, {
    ...gates,
    allowInvalidSecretName: hasBadSecretName(old),
    allowInvalidWildcardHostRule: hasBadWildcardRule(old, gates),
  });
  return errors.errors;
}

export function validateIngressStatusUpdate(
  ingress: Ingress,
  old: Readonly<Ingress>,
  { strictIP }: { strictIP: boolean },
): FieldError[] {
  const errors = new ErrorList();
  const existing = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  (ingress.status?.loadBalancer?.ingress ?? []).forEach(({ ip, hostname }, i) => {
    const path = `status.loadBalancer.ingress[${i}]`;
    if (ip) checkIP(errors, ip, { path: `${path}.ip`, strict: strictIP, existing });
    if (!hostname) return;
    errors.eachInvalid(`${path}.hostname`, hostname, dnsSubdomain(hostname));
    if (parseIP(hostname) !== undefined) errors.invalid(`${path}.hostname`, hostname, notDNS);
  });
  return errors.errors;
}

/** Warns of the annotation that `ingressClassName` has replaced. */
export function ingressWarnings({ metadata }: Ingress): string[] {
  if (metadata.annotations === undefined || !(classAnnotation in metadata.annotations)) return [];
  return [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`];
}
