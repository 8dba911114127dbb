/** What is known of a request about where its sender sees this server. */
export interface RequestOrigin {
  /** As Node gives them: lower-case names. */
  headers: Record<string, string | string[] | undefined>;
  isEncrypted: boolean;
  /** Of the socket, for requests without a Host header field. */
  localAddress: string | undefined;
  localPort: number | undefined;
}

const hostPattern = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const prefixPattern = /^(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/**
 * The address of this server as the client sees it, without a trailing slash, for absolute URLs in answers
 * (00081190 RetrieveURL). Proxies say where they stand with `Forwarded` (RFC 7239) or `X-Forwarded-Proto/-Host/-Port/
 * -Prefix`; the first (outermost) proxy counts. These go back to the sender of the request only, so believing them gives
 * nobody anything; what does not look like a host name or path is passed over.
 */
export function baseUrl(origin: RequestOrigin): string {
  const forwarded = readForwarded(first(origin.headers['forwarded']));
  const proto = (forwarded.proto ?? first(origin.headers['x-forwarded-proto']))?.toLowerCase();
  const scheme = proto === 'https' || proto === 'http' ? proto : origin.isEncrypted ? 'https' : 'http';
  return `${scheme}://${hostOf(origin, forwarded.host, scheme)}${prefixOf(origin)}`;
}

function hostOf(origin: RequestOrigin, forwardedHost: string | undefined, scheme: string): string {
  const given = [forwardedHost, first(origin.headers['x-forwarded-host'])].find(
    (host) => host !== undefined && hostPattern.test(host),
  );
  if (given !== undefined) {
    const port = first(origin.headers['x-forwarded-port']);
    const isPortGiven = /:\d+$/.test(given) || forwardedHost === given;
    if (isPortGiven || port === undefined || !/^\d{1,5}$/.test(port) || port === defaultPort(scheme)) return given;
    return `${given}:${port}`;
  }
  const host = first(origin.headers['host']);
  if (host !== undefined && hostPattern.test(host)) return host;
  const address = origin.localAddress ?? '127.0.0.1';
  const port = origin.localPort === undefined ? '' : `:${origin.localPort}`;
  return `${address.includes(':') ? `[${address}]` : address}${port}`;
}

function prefixOf(origin: RequestOrigin): string {
  const prefix = first(origin.headers['x-forwarded-prefix']);
  return prefix !== undefined && prefixPattern.test(prefix) ? prefix.replace(/\/$/, '') : '';
}

function defaultPort(scheme: string): string {
  return scheme === 'https' ? '443' : '80';
}

/** The first element of a list: the proxy nearest to the client. */
function first(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  const element = text?.split(',', 1)[0]?.trim();
  return element === '' ? undefined : element;
}

function readForwarded(element: string | undefined): { proto?: string; host?: string } {
  const found: { proto?: string; host?: string } = {};
  for (const pair of element?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim().toLowerCase();
    const value = pair
      .slice(equals + 1)
      .trim()
      .replaceAll('"', '');
    if (equals > 0 && (name === 'proto' || name === 'host')) found[name] = value;
  }
  return found;
}
