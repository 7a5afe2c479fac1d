import { asc } from 'drizzle-orm';
import { identityProviders } from '../../db/schema/identity';
import type { OidcConsole, OidcProvider, SamlProvider } from '../../db/schema/identityShapes';
import { open } from '../../db/secrets';
import type { Store } from '../../db/store';
import { log } from '../log';

export type OidcSignOn = OidcProvider & { id: string; console: OidcConsole };
export type SamlSignOn = SamlProvider & { id: string };

/** A way into the console that the policy names. */
export interface SignOnWay {
  name: string;
  type: 'oidc' | 'saml';
  /** On the button. */
  label: string;
}

/** Every way into the console, in the policy's order. Opens no secret. */
export async function signOnWays(store: Store): Promise<SignOnWay[]> {
  return (await readProviders(store)).flatMap(({ settings }): SignOnWay[] => {
    if (settings.type === 'saml') return [{ name: settings.name, type: 'saml', label: settings.label ?? settings.name }];
    return settings.console === undefined ? [] : [{ name: settings.name, type: 'oidc', label: settings.console.label ?? settings.name }];
  });
}

/** The OIDC providers that sign people in to the console. One whose secret does not open is left out: it must not close the other doors. */
export async function oidcSignOns(store: Store, secretKey: Buffer): Promise<OidcSignOn[]> {
  return (await readProviders(store)).flatMap(({ id, settings, secretSealed }): OidcSignOn[] => {
    if (settings.type !== 'oidc' || settings.console === undefined) return [];
    try {
      const secret = secretSealed === null ? {} : { clientSecret: open(secretKey, secretSealed, id) };
      return [{ ...settings, id, console: { ...settings.console, ...secret } }];
    } catch {
      log.error({ provider: settings.name }, 'the client secret cannot be opened: GATEHOUSE_SECRET_KEY is not the one it was sealed with');
      return [];
    }
  });
}

export async function samlSignOn(store: Store, name: string): Promise<SamlSignOn | null> {
  const found = (await readProviders(store)).find(({ settings }) => settings.type === 'saml' && settings.name === name);
  return found?.settings.type === 'saml' ? { ...found.settings, id: found.id } : null;
}

const readProviders = (store: Store) => store.select().from(identityProviders).orderBy(asc(identityProviders.position));
