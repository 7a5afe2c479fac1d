import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { asc } from 'drizzle-orm';
import { identityProviders } from '../../db/schema/identity';
import type { Store } from '../../db/store';
import { IdentityRefused } from '../../proxy/identity/assertion';
import { createRefusalLog } from '../../proxy/identity/refusals';
import { createJwtVerifier, type JwtVerifier } from '../../proxy/identity/verifyJwt';
import { recordFailedSignIn } from '../auth/recordSignIn';
import { nameSchema } from '../input';
import { log } from '../log';
import { getRuntime } from '../runtime';
import { type Attempts, createAttempts } from '../web/attempts';
import { beginDevice, DEVICE_TTL_S, POLL_S, redeemDevice } from './device';
import { exchange } from './exchange';
import { ACCESS_TOKEN, audiencesIn, readGrant, TokenRefused } from './grants';
import { revokeByItself } from './revoke';

/** What a program is given. */
export interface Granted {
  secret: string;
  expiresInS: number;
  principal: string;
  connections: readonly string[] | null;
}

const MAX_BODY_BYTES = 64 * 1_024;
/** As at the proxy: the time of a refusal tells nothing. */
const FAILURE_AFTER_MS = 250;
/** Requests of one address in a minute, whatever comes of them. */
const MOST_A_MINUTE = 240;
const MAX_CLIENT_CHARACTERS = 100;

/** `POST /api/token` and `POST /api/device`: forms in, JSON out, nothing kept by anybody between (RFC 6749 §5). */
export function createTokenHandler(addressOf: (req: IncomingMessage) => string) {
  const verifier = createJwtVerifier();
  const attempts = createAttempts();
  const requests = createAttempts({ failures: MOST_A_MINUTE });
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = (req.url ?? '').split('?', 1)[0];
    const asksProviders = req.method === 'GET' && path === '/api/device';
    if (req.method !== 'POST' && !asksProviders)
      return answer(res, 405, { error: 'invalid_request', error_description: 'this takes a POST' });
    const address = addressOf(req);
    const nowMs = Date.now();
    const waitS = attempts.blocked(address, nowMs) ?? requests.blocked(address, nowMs);
    if (waitS !== null) {
      res.setHeader('retry-after', String(waitS));
      return answer(res, 429, { error: 'slow_down', error_description: 'too many requests from this address' });
    }
    requests.failed(address, nowMs);
    try {
      if (asksProviders) return answer(res, 200, await devices(getRuntime().store));
      const form = await readForm(req);
      if (path === '/api/token/revoke') answer(res, 200, await revokeByItself(getRuntime().store, form.get('token') ?? ''));
      else answer(res, 200, path === '/api/device' ? await device(form, address) : await token(form, verifier));
    } catch (error) {
      await refuse(res, error, { address, attempts, startedMs: nowMs });
    }
  };
}

async function token(form: URLSearchParams, verifier: JwtVerifier): Promise<object> {
  const { store, proxyHost, proxyPort } = getRuntime();
  const grant = readGrant(form);
  const now = new Date();
  const granted =
    grant.kind === 'exchange' ? await exchange(store, verifier, grant, now) : await redeemDevice(store, grant.deviceCode, now);
  return {
    access_token: granted.secret,
    issued_token_type: ACCESS_TOKEN,
    // At the proxy it is a password, at the API a bearer token.
    token_type: 'Bearer',
    expires_in: granted.expiresInS,
    principal: granted.principal,
    ...(granted.connections === null ? {} : { audience: granted.connections }),
    proxy: { host: proxyHost, port: proxyPort },
  };
}

/** Which providers sign people in from a command line, and by which public client. */
async function devices(store: Store): Promise<object> {
  const rows = await store
    .select({ settings: identityProviders.settings })
    .from(identityProviders)
    .orderBy(asc(identityProviders.position));
  return rows.flatMap(({ settings: each }) =>
    each.type === 'oidc' && each.device !== undefined
      ? [
          {
            name: each.name,
            issuer: each.issuer,
            clientId: each.device.clientId,
            audiences: each.audiences,
            scopes: each.device.scopes ?? ['openid', 'profile', 'email'],
          },
        ]
      : [],
  );
}

async function device(form: URLSearchParams, address: string): Promise<object> {
  const { store, secretKey, consoleUrl } = getRuntime();
  const client = (form.get('client_name') ?? '').trim() || 'a program';
  if (client.length > MAX_CLIENT_CHARACTERS || /\p{C}/u.test(client))
    throw new TokenRefused('invalid_request', 'client_name is a short text');
  const connections = audiencesIn(form);
  if (connections.length > 200 || connections.some((name) => !nameSchema.safeParse(name).success))
    throw new TokenRefused('invalid_request', 'audience names connections');
  const { deviceCode, userCode } = await beginDevice({ store, secretKey }, { client, clientAddress: address, connections }, new Date());
  const at = `${consoleUrl}/device`;
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: at,
    verification_uri_complete: `${at}?code=${userCode}`,
    expires_in: DEVICE_TTL_S,
    interval: POLL_S,
  };
}

const refused = createRefusalLog((line) => log.info(line, 'token exchange refused'));

async function refuse(
  res: ServerResponse,
  error: unknown,
  { address, attempts, startedMs }: { address: string; attempts: Attempts; startedMs: number },
): Promise<void> {
  if (error instanceof TokenRefused && error.retryAfterS !== undefined) {
    res.setHeader('retry-after', String(error.retryAfterS));
    return answer(res, 429, { error: error.code, error_description: error.message });
  }
  if (error instanceof TokenRefused && error.code !== 'invalid_grant')
    return answer(res, error.code === 'temporarily_unavailable' ? 503 : 400, { error: error.code, error_description: error.message });
  if (!(error instanceof IdentityRefused || error instanceof TokenRefused)) {
    // The store's errors quote what was stored.
    log.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'a token could not be given');
    return answer(res, 503, {
      error: 'temporarily_unavailable',
      error_description: 'the gateway cannot give tokens now; its log says why',
    });
  }
  // Why is for the operator: whoever asks learns nothing of who is known here.
  refused(error instanceof IdentityRefused ? error.provider : null, error.message);
  attempts.failed(address, Date.now());
  await recordFailedSignIn(getRuntime().store, 'cli', 'token exchange', error.message);
  await delay(Math.max(0, FAILURE_AFTER_MS - (Date.now() - startedMs)));
  answer(res, 400, { error: 'invalid_grant', error_description: 'the identity does not open anything here; the gateway’s log says why' });
}

async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(req.headers['content-type'] ?? ''))
    throw new TokenRefused('invalid_request', 'the body is a form: application/x-www-form-urlencoded');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new TokenRefused('invalid_request', 'the form is too large');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function answer(res: ServerResponse, status: number, body: object): void {
  if (res.destroyed) return;
  // RFC 6749 §5.1
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' });
  res.end(JSON.stringify(body));
}
