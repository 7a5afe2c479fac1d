import { z } from 'zod';

/** What a program may be given a token for (RFC 6749 §4.5, RFC 8628 §3.4, RFC 8693 §2.1). */
export type Grant =
  | { kind: 'exchange'; subjectToken: string; actorToken: string | null; connections: string[]; expiresInS: number | null }
  | { kind: 'device'; deviceCode: string };

/** An answer that gives nothing (RFC 6749 §5.2). */
export class TokenRefused extends Error {
  override name = 'TokenRefused';
  constructor(
    readonly code:
      | 'invalid_request'
      | 'invalid_grant'
      | 'invalid_target'
      | 'unsupported_grant_type'
      | 'temporarily_unavailable'
      | 'authorization_pending'
      | 'slow_down'
      | 'access_denied'
      | 'expired_token',
    message: string,
    /** When to come again, in seconds. */
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const TOKEN_TYPES = new Set(['jwt', 'id_token', 'access_token'].map((type) => `urn:ietf:params:oauth:token-type:${type}`));

const secondsSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(12 * 3_600);

/** Reads the form of a token request. @throws TokenRefused Pure. */
export function readGrant(form: URLSearchParams): Grant {
  for (const name of [
    'grant_type',
    'subject_token',
    'subject_token_type',
    'actor_token',
    'device_code',
    'requested_token_type',
    'expires_in',
  ])
    if (form.getAll(name).length > 1) throw new TokenRefused('invalid_request', `${name} is given more than once`);
  switch (form.get('grant_type')) {
    case EXCHANGE:
      return readExchange(form);
    case DEVICE:
      return { kind: 'device', deviceCode: needed(form, 'device_code') };
    case null:
      throw new TokenRefused('invalid_request', 'grant_type is missing');
    default:
      throw new TokenRefused('unsupported_grant_type', `grant_type is ${EXCHANGE} or ${DEVICE}`);
  }
}

function readExchange(form: URLSearchParams): Grant {
  const types = [...TOKEN_TYPES].join(', ');
  if (!TOKEN_TYPES.has(needed(form, 'subject_token_type')))
    throw new TokenRefused('invalid_request', `subject_token_type is one of ${types}`);
  const actorToken = form.get('actor_token');
  if (actorToken !== null && !TOKEN_TYPES.has(needed(form, 'actor_token_type')))
    throw new TokenRefused('invalid_request', `actor_token_type is one of ${types}`);
  const requested = form.get('requested_token_type');
  if (requested !== null && requested !== ACCESS_TOKEN)
    throw new TokenRefused('invalid_request', `requested_token_type is ${ACCESS_TOKEN}`);
  const expiresIn = form.get('expires_in');
  const seconds = expiresIn === null ? null : secondsSchema.safeParse(expiresIn);
  if (seconds?.success === false) throw new TokenRefused('invalid_request', 'expires_in is a number of seconds, at most 12 hours');
  const connections = audiencesIn(form);
  if (connections.length > 200) throw new TokenRefused('invalid_request', 'too many audiences');
  return { kind: 'exchange', subjectToken: needed(form, 'subject_token'), actorToken, connections, expiresInS: seconds?.data ?? null };
}

/** Connections, by `audience`: as often or as long as it likes, each once. */
export const audiencesIn = (form: URLSearchParams): string[] => [
  ...new Set(
    form
      .getAll('audience')
      .flatMap((each) => each.split(' '))
      .filter((each) => each !== ''),
  ),
];

function needed(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw new TokenRefused('invalid_request', `${name} is missing`);
  return value;
}
