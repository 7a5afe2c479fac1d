import { asc, desc, eq, max, sql } from 'drizzle-orm';
import { identities, identityProviders, principals } from '../../db/schema/identity';
import type { IdentityProvider } from '../../db/schema/identityShapes';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { IdentityRow, ProviderRow } from './shape';

/** Who says who people and workloads are, in the document's order. */
export async function listProviders({ store, actor }: Call): Promise<ProviderRow[]> {
  demand(actor, 'principals:read');
  const rows = await store
    .select({
      id: identityProviders.id,
      settings: identityProviders.settings,
      subjects: sql<number>`count(${identities.id})::int`,
      lastSeenAt: max(identities.lastSeenAt),
    })
    .from(identityProviders)
    .leftJoin(identities, eq(identities.providerId, identityProviders.id))
    .groupBy(identityProviders.id)
    .orderBy(asc(identityProviders.position), asc(identityProviders.id));
  return rows.map(({ settings, ...row }) => ({
    ...row,
    name: settings.name,
    type: settings.type,
    issuer: settings.type === 'oidc' ? settings.issuer : null,
    opens: opensOf(settings),
    principal: settings.principal,
    groupsClaim: settings.groups?.claim ?? null,
    agents: settings.type === 'oidc' ? Object.keys(settings.agents ?? {}).length : 0,
  }));
}

function opensOf(provider: IdentityProvider): ProviderRow['opens'] {
  if (provider.type === 'saml') return ['console'];
  return [
    'proxy',
    ...(provider.console === undefined ? [] : (['console'] as const)),
    ...(provider.device === undefined ? [] : (['device'] as const)),
  ];
}

/** Whom each subject is, those seen last first. */
export async function listIdentities({ store, actor }: Call): Promise<IdentityRow[]> {
  demand(actor, 'principals:read');
  return store
    .select({
      id: identities.id,
      provider: identityProviders.name,
      subject: identities.subject,
      principal: principals.name,
      createdAt: identities.createdAt,
      lastSeenAt: identities.lastSeenAt,
    })
    .from(identities)
    .innerJoin(identityProviders, eq(identityProviders.id, identities.providerId))
    .innerJoin(principals, eq(principals.id, identities.principalId))
    .orderBy(desc(sql`coalesce(${identities.lastSeenAt}, ${identities.createdAt})`), asc(identities.id))
    .limit(MOST);
}

const MOST = 1_000;
