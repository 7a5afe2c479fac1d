import { protocolViolation, saslRefused } from './errors';

/** What ends every key and value of an OAUTHBEARER message, and is all that a client answers to a failure (RFC 7628 §3.1, §3.2.3). */
export const OAUTH_SEPARATOR = '\x01';

/**
 * A client's first message.
 * @returns its bearer token; '' where it asks which issuer it should go to
 * @throws WireError for what is not such a message
 */
export function decodeOauthBearer(message: string): string {
  const [header, ...pairs] = message.split(OAUTH_SEPARATOR);
  const [binding, authorization, ...rest] = (header ?? '').split(',');
  if (binding?.startsWith('p')) throw saslRefused('OAUTHBEARER has no channel binding', '08P01');
  if ((binding !== 'n' && binding !== 'y') || rest.length !== 1 || rest[0] !== '') throw malformed('GS2 header');
  if (authorization !== '') throw saslRefused('client uses authorization identity, but it is not supported', '0A000');
  // Each pair ends with a separator, and one more ends them all.
  if (pairs.length < 3 || pairs.pop() !== '' || pairs.pop() !== '') throw malformed('end');
  let auth: string | null = null;
  for (const pair of pairs) {
    const [, key, value] = /^([A-Za-z]+)=([\t\r\n\x20-\x7e]*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw malformed('key and value');
    if (key !== 'auth') continue;
    if (auth !== null) throw malformed('second auth');
    auth = value;
  }
  if (auth === null) throw malformed('no auth');
  if (auth === '') return '';
  // RFC 6750 §2.1: the scheme in any case, then b64token.
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(auth)?.[1];
  if (token === undefined) throw malformed('auth');
  return token;
}

const malformed = (what: string) => protocolViolation(`malformed OAUTHBEARER message (${what})`);

/** What a server says to a failure, and to a question: where a token can be had. The status is the one that PostgreSQL's libpq goes by. */
export const encodeOauthFailure = (where: { discovery: string; scope: string }): string =>
  JSON.stringify({ status: 'invalid_token', 'openid-configuration': where.discovery, scope: where.scope });
