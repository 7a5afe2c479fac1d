import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CHALLENGE_TTL_MS, newChallenge } from '../../passkeys/challenge';
import { relyingPartyOf } from '../../passkeys/relyingParty';
import type { Runtime } from '../../runtime';
import { createAttempts } from '../../web/attempts';
import { browserCookie, browserOf } from './browser';

/** Challenges of one address in a minute, whatever comes of them. */
const MOST_A_MINUTE = 60;

/**
 * `POST /api/passkey`: what a browser asks its authenticators for, to sign somebody in. Nobody says who they are, so that the answer is the
 * same for all; the passkey says it.
 */
export function createPasskeyHandler(
  { store, consoleUrl }: Pick<Runtime, 'store' | 'consoleUrl'>,
  addressOf: (req: IncomingMessage) => string,
) {
  const asked = createAttempts({ failures: MOST_A_MINUTE });
  const party = relyingPartyOf(consoleUrl);
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'POST') return answer(res, 405, { error: 'this takes a POST' });
    if (party.state === 'off') return answer(res, 503, { error: party.why });
    const address = addressOf(req);
    const waitS = asked.blocked(address, Date.now());
    if (waitS !== null) {
      res.setHeader('retry-after', String(waitS));
      return answer(res, 429, { error: 'too many requests from this address' });
    }
    asked.failed(address, Date.now());
    const browser = browserOf(req.headers.cookie, consoleUrl) ?? randomBytes(24).toString('base64url');
    const challenge = await newChallenge(store, { browser, principalId: null, purpose: { kind: 'signIn' } }, new Date());
    const secure = consoleUrl.startsWith('https:') ? '; Secure' : '';
    res.setHeader(
      'set-cookie',
      `${browserCookie(consoleUrl)}=${browser}; Path=/; Max-Age=${CHALLENGE_TTL_MS / 1_000}; HttpOnly; SameSite=Strict${secure}`,
    );
    answer(res, 200, {
      challenge: Buffer.from(challenge).toString('base64url'),
      timeout: CHALLENGE_TTL_MS,
      rpId: party.id,
      userVerification: 'required',
    });
  };
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}
