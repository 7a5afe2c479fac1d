import { loadPrincipal } from '../../../proxy/identity/principal';
import { log } from '../../log';
import { relyingPartyOf } from '../../passkeys/relyingParty';
import { assertionSchema } from '../../passkeys/shape';
import { PasskeyRefused, verifyAssertion } from '../../passkeys/verifyAssertion';
import type { Runtime } from '../../runtime';
import { BY_PASSKEY, recordFailedSignIn, recordSignIn } from '../recordSignIn';
import { browserOf } from './browser';

/** More than any assertion of ours has. */
const MOST_CHARACTERS = 32_000;

/**
 * Signs in whom a passkey proves. Null for everybody else: the caller cannot tell an unknown passkey from one of a disabled person. The
 * record has the reason.
 * @param assertion JSON, as the browser sent it
 */
export async function signInWithPasskey(
  { store, consoleUrl }: Pick<Runtime, 'store' | 'consoleUrl'>,
  assertion: unknown,
  cookie: string | undefined,
): Promise<{ principalId: string; passkeyId: string } | null> {
  try {
    const browser = browserOf(cookie, consoleUrl);
    if (browser === null) throw new PasskeyRefused('the browser did not ask for a challenge');
    const purpose = { kind: 'signIn' } as const;
    const passkey = await verifyAssertion(
      store,
      relyingPartyOf(consoleUrl),
      { browser, principalId: null, purpose, assertion: read(assertion) },
      new Date(),
    );
    const { id, name } = passkey;
    return await store.transaction(async (tx) => {
      const principal = await loadPrincipal(tx, passkey.principalId);
      if (principal === null) throw new PasskeyRefused(`passkey ${id} is of somebody who is disabled`);
      if (principal.kind !== 'human') throw new PasskeyRefused(`${principal.name} is not a person: the console is for people`);
      await recordSignIn(tx, principal, BY_PASSKEY, { id, name });
      return { principalId: principal.id, passkeyId: id };
    });
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) {
      log.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'a sign-in by passkey could not be looked at');
      // next-auth puts the message into an address; that of a query quotes it.
      throw new Error('the gateway could not look at it');
    }
    log.warn({ reason: error.message }, 'console sign-in by passkey refused');
    await recordFailedSignIn(store, 'console', BY_PASSKEY, error.message);
    return null;
  }
}

function read(assertion: unknown) {
  if (typeof assertion === 'string' && assertion.length <= MOST_CHARACTERS) {
    try {
      const parsed = assertionSchema.safeParse(JSON.parse(assertion));
      if (parsed.success) return parsed.data;
    } catch {
      // Said below.
    }
  }
  throw new PasskeyRefused('what the browser sent cannot be read');
}
