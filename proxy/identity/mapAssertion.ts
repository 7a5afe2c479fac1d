import type { GroupMapping, IdentityProvider } from '../../db/schema/identityShapes';
import { type Assertion, IdentityRefused } from './assertion';
import { claimOf } from './claim';

/** Who somebody is here by what their provider says, before the store is asked. */
export interface Mapped {
  /** The name of the principal. */
  name: string;
  /** The provider's words for it name one principal, whatever the subject: nothing is linked. */
  listed: boolean;
  /** By name; null where the provider does not speak of groups. */
  groups: readonly string[] | null;
  /** The agent that acts for them; null where they act themselves. */
  agent: string | null;
  email: string | null;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}$/;

/** @throws IdentityRefused with the reason, in words for the operator. Pure. */
export function mapAssertion(provider: IdentityProvider, assertion: Assertion): Mapped {
  const { claims } = assertion;
  const said = principalClaim(provider, claims);
  const { names } = provider.principal;
  return {
    name: names === undefined ? ownName(provider, said) : listedName(provider, names, said),
    listed: names !== undefined,
    groups: provider.groups === undefined ? null : groupsOf(provider.groups, claims),
    agent: agentOf(provider, assertion),
    email: emailOf(claims),
  };
}

function principalClaim({ principal }: IdentityProvider, claims: Assertion['claims']): string {
  const value = claimOf(claims, principal.claim);
  const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof one !== 'string' || one === '') throw new IdentityRefused(`the identity has no claim ${principal.claim}`);
  // Whoever may type any address into their profile is not the person it belongs to.
  if (principal.claim === 'email' && !isVerified(claims)) throw new IdentityRefused('the mail address is not verified at the provider');
  return one;
}

function ownName({ principal }: IdentityProvider, said: string): string {
  const { strip } = principal;
  if (strip !== undefined && !said.endsWith(strip)) throw new IdentityRefused(`claim ${principal.claim} does not end with ${strip}`);
  const name = strip === undefined ? said : said.slice(0, -strip.length);
  if (!NAME.test(name)) throw new IdentityRefused(`what claim ${principal.claim} says cannot be a principal’s name`);
  return name;
}

function listedName({ principal }: IdentityProvider, names: Readonly<Record<string, string>>, said: string): string {
  const name = Object.hasOwn(names, said) ? names[said] : undefined;
  if (name === undefined) throw new IdentityRefused(`what claim ${principal.claim} says is not listed`);
  return name;
}

function groupsOf({ claim, names }: GroupMapping, claims: Assertion['claims']): string[] {
  const value = claimOf(claims, claim);
  // Entra leaves groups out where there are too many, and says where to ask for them: none would be as wrong as some.
  if (value === undefined && isRecord(claims._claim_names) && Object.hasOwn(claims._claim_names, claim))
    throw new IdentityRefused(
      `the provider left out claim ${claim} because there are too many groups; have it send those of the application alone`,
    );
  const said = typeof value === 'string' ? [value] : Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  const mapped = said.flatMap((each) => (names === undefined ? [each] : Object.hasOwn(names, each) ? [names[each] ?? ''] : []));
  return [...new Set(mapped)].sort();
}

/** Whoever acts for somebody has to be known: their statements are held to what agents may do. */
function agentOf(provider: IdentityProvider, { actors, client }: Assertion): string | null {
  const agents = provider.type === 'oidc' ? (provider.agents ?? {}) : {};
  const known = (word: string | null | undefined) => (word != null && Object.hasOwn(agents, word) ? (agents[word] ?? null) : null);
  const [actor] = actors;
  if (actor === undefined) return known(client);
  const agent = known(actor);
  if (agent === null) throw new IdentityRefused('who acts for the subject (act.sub) is not among the provider’s agents');
  return agent;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
/** Providers that verify every address do not say so; one that says no means no. */
const isVerified = (claims: Assertion['claims']) =>
  claims.email_verified === undefined || claims.email_verified === true || claims.email_verified === 'true';
const emailOf = (claims: Assertion['claims']) =>
  typeof claims.email === 'string' && claims.email.length <= 254 && isVerified(claims) ? claims.email : null;
