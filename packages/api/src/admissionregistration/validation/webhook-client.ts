/**
 * How a webhook is reached (`apiserver/pkg/util/webhook/validation.go`): admission webhooks and the
 * conversion webhooks of custom resources.
 */
import { isDNS1123Subdomain, isValidPortNum } from '@kubets/apimachinery/names';
import type { ErrorList } from '../../core/validation/pod-error-list.ts';

export interface WebhookService {
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
  readonly port?: number;
}

export interface WebhookClient {
  readonly url?: string;
  readonly service?: WebhookService;
}

interface UrlParts {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly host: string;
  readonly query: string;
  readonly fragment: string;
}

const urlPattern = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const form = '; desired format: https://host[/path]';

/** The first fault that Go's parser would name. */
function urlFault(text: string, host: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'net/url: invalid control character in URL';
  if (text.startsWith(':')) return 'missing protocol scheme';
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) return `invalid port ${JSON.stringify(`:${port}`)} after host`;
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0];
  if (escape !== undefined) return `invalid URL escape ${JSON.stringify(escape)}`;
  if (/[\s<>"]/.test(host)) return `invalid character ${JSON.stringify(/[\s<>"]/.exec(host)?.[0])} in host name`;
  return undefined;
}

/** As Go's `url.Parse`: lenient, no scheme and no host needed. A string is the error. */
function parseUrl(text: string): UrlParts | string {
  const [, scheme = '', authority = '', , query = '', fragment = ''] = urlPattern.exec(text) ?? [];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const fault = urlFault(text, host);
  if (fault !== undefined) return `parse ${JSON.stringify(text)}: ${fault}`;
  return { scheme: scheme.toLowerCase(), user: at < 0 ? undefined : authority.slice(0, at), host, query, fragment };
}

/** `ValidateWebhookURL`; only https will do. */
function checkUrl(errors: ErrorList, text: string, path: string): void {
  const url = parseUrl(text);
  if (typeof url === 'string') {
    errors.required(path, `url must be a valid URL: ${url}${form}`);
    return;
  }
  if (url.scheme !== 'https') errors.invalid(path, url.scheme, `'https' is the only allowed URL scheme${form}`);
  if (url.host === '') errors.invalid(path, url.host, `host must be specified${form}`);
  if (url.user !== undefined) errors.invalid(path, url.user, 'user information is not permitted in the URL');
  if (url.fragment !== '') errors.invalid(path, url.fragment, 'fragments are not permitted in the URL');
  if (url.query !== '') errors.invalid(path, url.query, 'query parameters are not permitted in the URL');
}

function checkUrlPath(errors: ErrorList, text: string, path: string): void {
  if (text === '' || text === '/') return;
  if (text === '//') {
    errors.invalid(path, text, 'segment[0] may not be empty');
    return;
  }
  if (!text.startsWith('/')) errors.invalid(path, text, "must start with a '/'");
  for (const [i, step] of text.slice(1).replace(/\/$/, '').split('/').entries()) {
    const messages = step === '' ? ['may not be empty'] : isDNS1123Subdomain(step).map((message) => `: ${message}`);
    for (const message of messages) {
      errors.invalid(path, text, `segment[${i}]${message.startsWith(':') ? '' : ' '}${message}`);
    }
  }
}

/** `ValidateWebhookService`. */
function checkService(errors: ErrorList, service: WebhookService, path: string): void {
  const { name = '', namespace = '', port = 0 } = service;
  if (name === '') errors.required(`${path}.name`, 'service name is required');
  if (namespace === '') errors.required(`${path}.namespace`, 'service namespace is required');
  const wrong = isValidPortNum(port);
  if (wrong.length > 0) errors.invalid(`${path}.port`, port, `port is not valid: ${wrong.join(', ')}`);
  if (service.path !== undefined) checkUrlPath(errors, service.path, `${path}.path`);
}

/** Either a URL or a service, and it can be called. */
export function checkWebhookClient(errors: ErrorList, { url, service }: WebhookClient, path: string): void {
  if ((url === undefined) === (service === undefined)) {
    errors.required(path, 'exactly one of url or service is required');
  } else if (url !== undefined) checkUrl(errors, url, `${path}.url`);
  else if (service !== undefined) checkService(errors, service, `${path}.service`);
}
