import type { IdentityProvider } from '../../db/schema/identityShapes';
import type { Store } from '../../db/store';
import { type Assertion, IdentityRefused, IssuerUnavailable } from '../../proxy/identity/assertion';
import type { KnownPrincipal } from '../../proxy/identity/principal';
import { resolveAssertion } from '../../proxy/identity/resolve';
import { log } from '../log';
import { recordFailedSignIn } from './recordSignIn';

/** How a sign-in did not succeed, as far as the person is told: never whether there is an account. The record says the rest. */
export type NotSignedIn = 'refused' | 'unavailable' | 'unfinished';

export type SignOn = { state: 'signedIn'; principal: KnownPrincipal } | { state: NotSignedIn };

/** Nobody is refused: the sign-in was given up, or is another one's. Its message is for the record and holds nothing that was sent. */
export class Unfinished extends Error {
  override name = 'Unfinished';
}

/**
 * Ends a sign-in at a provider: who it was, and that it is a person. Refusals go to the record with their reason; nothing is thrown.
 * @param identify verifies what the provider sent
 */
export async function signOn(
  store: Store,
  provider: IdentityProvider & { id: string },
  identify: () => Promise<Assertion>,
): Promise<SignOn> {
  try {
    const { principal } = await resolveAssertion(store, provider, await identify(), new Date());
    if (principal.kind !== 'human') throw new IdentityRefused(`${principal.name} is not a person: the console is for people`);
    return { state: 'signedIn', principal };
  } catch (error) {
    if (error instanceof IdentityRefused) {
      log.warn({ provider: provider.name, reason: error.message }, 'console sign-in refused');
      await recordFailedSignIn(store, 'console', provider.name, error.message);
      return { state: 'refused' };
    }
    if (error instanceof IssuerUnavailable) {
      log.warn({ provider: provider.name }, error.message);
      return { state: 'unavailable' };
    }
    log.warn({ provider: provider.name, reason: error instanceof Error ? error.message : 'unknown' }, 'console sign-in not completed');
    const reason = error instanceof Unfinished ? error.message : 'the gateway’s log says why';
    await recordFailedSignIn(store, 'console', provider.name, `not completed: ${reason}`);
    return { state: 'unfinished' };
  }
}

/** Where the person reads it. */
export const notSignedInAddress = (consoleUrl: string, state: NotSignedIn, provider: string): string =>
  `${consoleUrl}/sign-in?${new URLSearchParams({ ended: state, with: provider })}`;
