import { asc, eq } from 'drizzle-orm';
import { type AuditSettings, DEFAULT_AUDIT_SETTINGS } from '../../db/schema/auditShapes';
import { groups, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import type { IdentityProvider } from '../../db/schema/identityShapes';
import { access, connections, maskingRules, rules } from '../../db/schema/policy';
import { auditSettings } from '../../db/schema/record';
import type { StoreHandle } from '../../db/store';
import type { AccessGrant, MaskingRule, Rule } from '../../proxy/policy/types';
import type { DocumentConnection, DocumentPrincipal } from './document';

type WithId<T> = T & { id: string };

/** The policy as the store holds it, in the document's own shape and order, with the ids that a change needs. */
export interface StoredPolicy {
  connections: WithId<Omit<DocumentConnection, 'password' | 'tlsKey'> & { passwordSealed: string | null; tlsKeySealed: string | null }>[];
  /** `managed`: SCIM keeps its members. */
  groups: WithId<{ name: string; managed: boolean }>[];
  /**
   * `managed`: a provider made it and speaks for it, so that no document needs to name it. `deprovisioned`: disabled by SCIM, and no document
   * undoes that.
   */
  principals: WithId<DocumentPrincipal & { disabled: boolean; managed: boolean; deprovisioned: boolean }>[];
  access: WithId<AccessGrant>[];
  masking: WithId<MaskingRule>[];
  rules: WithId<Rule>[];
  identity: WithId<{ name: string; settings: IdentityProvider; secretSealed: string | null }>[];
  audit: { settings: AuditSettings; secretsSealed: string | null };
}

/** Reads the whole policy. Run it under the policy lock when a change depends on it. */
export async function readStoredPolicy(store: StoreHandle): Promise<StoredPolicy> {
  const connectionRows = await store.select().from(connections).orderBy(asc(connections.name));
  const groupRows = await store.select().from(groups).orderBy(asc(groups.name));
  const principalRows = await store.select().from(principals).orderBy(asc(principals.createdAt), asc(principals.name));
  const memberRows = await store
    .select({ principalId: principalGroups.principalId, name: groups.name })
    .from(principalGroups)
    .innerJoin(groups, eq(groups.id, principalGroups.groupId))
    // What a provider says is not the document's to say.
    .where(eq(principalGroups.source, ''))
    .orderBy(asc(groups.name));
  const accessRows = await store.select().from(access).orderBy(asc(access.position), asc(access.id));
  const maskingRows = await store.select().from(maskingRules).orderBy(asc(maskingRules.position), asc(maskingRules.id));
  const ruleRows = await store.select().from(rules).orderBy(asc(rules.position), asc(rules.id));
  const providerRows = await store.select().from(identityProviders).orderBy(asc(identityProviders.position), asc(identityProviders.id));
  const [auditRow] = await store.select().from(auditSettings).where(eq(auditSettings.id, 1));
  const nameById = new Map(principalRows.map((row) => [row.id, row.name]));
  return {
    connections: connectionRows.map(({ defaultAction, opaqueAction, createdAt: _created, updatedAt: _updated, ...row }) => ({
      ...row,
      default: defaultAction,
      opaque: opaqueAction,
    })),
    groups: groupRows.map(({ scim, ...row }) => ({ ...row, managed: scim !== null && scim.deleted !== true })),
    principals: principalRows.map((row) => ({
      id: row.id,
      name: row.name,
      kind: row.kind,
      email: row.email,
      slackUserId: row.slackUserId,
      role: row.role,
      owner: row.ownerId === null ? null : (nameById.get(row.ownerId) ?? null),
      limits: row.limits,
      groups: memberRows.filter((member) => member.principalId === row.id).map((member) => member.name),
      disabled: row.disabledAt !== null,
      managed: row.managedBy !== null,
      deprovisioned: row.disabledAt !== null && row.scim?.active === false,
    })),
    access: accessRows.map(({ position: _position, ...row }) => row),
    masking: maskingRows.map(({ position: _position, updatedAt: _updated, ...row }) => row),
    rules: ruleRows.map(({ position: _position, updatedAt: _updated, ...row }) => ({ ...row, approval: row.approval ?? null })),
    identity: providerRows.map(({ position: _position, ...row }) => row),
    audit: { settings: auditRow?.settings ?? DEFAULT_AUDIT_SETTINGS, secretsSealed: auditRow?.secretsSealed ?? null },
  };
}
