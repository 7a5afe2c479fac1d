import type { TlsMode, TlsNegotiation } from '../../../db/schema/shapes';

export interface DsnFields {
  host?: string;
  port?: number;
  database?: string;
  username?: string;
  password?: string;
  tls?: TlsMode;
  tlsNegotiation?: TlsNegotiation;
}

const TLS: Readonly<Record<string, TlsMode>> = {
  disable: 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

/**
 * Reads a connection string as libpq would (documentation 34.1.1): `postgres://user:pw@host:port/db?sslmode=…` or `host=… user=…`.
 * Null when the text is neither. Of several hosts the first is taken.
 */
export function parseDsn(text: string): DsnFields | null {
  const dsn = text.trim();
  if (/^postgres(ql)?:\/\//i.test(dsn)) return fromUri(dsn);
  return /^\w+\s*=/.test(dsn) ? fromPairs(dsn) : null;
}

function fromUri(dsn: string): DsnFields | null {
  const match = /^[^:]+:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(dsn);
  if (match === null) return null;
  const [, login = '', hosts = '', database = '', query = ''] = match;
  const colon = login.indexOf(':');
  const host = /^(\[[^\]]*\]|[^:,]*)(?::(\d+))?/.exec(hosts);
  const fields = new Map<string, string>();
  try {
    fields.set('user', decodeURIComponent(colon === -1 ? login : login.slice(0, colon)));
    if (colon !== -1) fields.set('password', decodeURIComponent(login.slice(colon + 1)));
    fields.set('host', decodeURIComponent((host?.[1] ?? '').replace(/^\[|\]$/g, '')));
    fields.set('port', host?.[2] ?? '');
    fields.set('dbname', decodeURIComponent(database));
  } catch {
    return null;
  }
  for (const [name, value] of new URLSearchParams(query)) fields.set(name, value);
  return toFields(fields);
}

function fromPairs(dsn: string): DsnFields {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of dsn.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)*))/g))
    fields.set(name, (quoted ?? plain).replace(/\\(.)/g, '$1'));
  return toFields(fields);
}

function toFields(from: ReadonlyMap<string, string>): DsnFields {
  const get = (name: string) => from.get(name) || undefined;
  const port = Number(get('port'));
  const tls = TLS[get('sslmode') ?? ''];
  const direct = get('sslnegotiation') === 'direct' && tls !== undefined && tls !== 'disable' && tls !== 'prefer';
  const host = get('host') ?? get('hostaddr');
  const database = get('dbname');
  const username = get('user');
  const password = get('password');
  return {
    ...(host === undefined ? {} : { host }),
    ...(Number.isInteger(port) && port > 0 && port < 65_536 ? { port } : {}),
    ...(database === undefined ? {} : { database }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls, tlsNegotiation: direct ? 'direct' : 'postgres' }),
  };
}
