import { and, eq, inArray, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import type { IdentityProvider } from '../../db/schema/identityShapes';
import { access, connections, maskingRules, rules } from '../../db/schema/policy';
import { auditSettings } from '../../db/schema/record';
import { seal } from '../../db/secrets';
import type { StoreTransaction } from '../../db/store';
import { AUDIT_SECRETS_BOUND_TO, type AuditSecrets, keptSecrets, openAuditSecrets, splitSecrets } from '../../proxy/record/auditSettings';
import { sealTlsKey } from '../../proxy/upstream/endpoint';
import { notify } from '../actions/record';
import { setMembership } from '../principals/membership';
import { endSessionsOf } from '../sessions/end';
import type { PolicyDocument } from './document';
import { withoutSecret } from './identityDocument';
import type { PolicyPlan } from './plan';
import { wantedReference } from './plan';
import type { ChangedSecrets } from './secrets';
import type { ObjectKind, PolicyChange } from './shape';
import type { StoredPolicy } from './stored';

interface ChangeRequest {
  stored: StoredPolicy;
  document: PolicyDocument;
  plan: PolicyPlan;
  secretsChanged: ChangedSecrets;
  secretKey: Buffer;
}

/** Carries a plan out inside the caller's transaction. Groups come first and go last, because principals refer to them. */
export async function changePolicy(tx: StoreTransaction, request: ChangeRequest): Promise<void> {
  const of = (kind: ObjectKind) => request.plan.changes.filter((change) => change.kind === kind);
  for (const { name } of by(of('group'), 'create')) await tx.insert(groups).values({ id: newId('grp'), name });
  await changeConnections(tx, request, of('connection'));
  await changePrincipals(tx, request, of('principal'));
  await changeAccess(tx, request, of('access'));
  await changeMasking(tx, request, of('masking'));
  await changeRules(tx, request, of('rule'));
  await changeProviders(tx, request, of('identity provider'));
  await changeAudit(tx, request, of('audit'));
  const gone = by(of('group'), 'delete').map((change) => change.name);
  if (gone.length > 0) await tx.delete(groups).where(inArray(groups.name, gone));
}

const by = (changes: readonly PolicyChange[], change: PolicyChange['change']) => changes.filter((item) => item.change === change);
const isTouched = (changes: readonly PolicyChange[], name: string) =>
  changes.some((item) => item.name === name && (item.change === 'create' || item.change === 'update'));

async function changeConnections(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  for (const { password, tlsKey, passwordFrom, default: defaultAction, opaque: opaqueAction, ...plain } of request.document.connections) {
    if (!isTouched(changes, plain.name)) continue;
    const stored = request.stored.connections.find((connection) => connection.name === plain.name);
    const id = stored?.id ?? newId('con');
    const { passwords, tlsKeys } = request.secretsChanged;
    const secret = {
      ...(password !== undefined && passwords.has(plain.name)
        ? { passwordSealed: password === '' ? null : seal(request.secretKey, password, id) }
        : {}),
      ...(tlsKey !== undefined && tlsKeys.has(plain.name) ? { tlsKeySealed: sealTlsKey(request.secretKey, tlsKey, id) } : {}),
      passwordFrom: wantedReference(stored, { ...(password === undefined ? {} : { password }), passwordFrom: passwordFrom ?? null }),
      // What is kept elsewhere is not kept here as well.
      ...(passwordFrom == null ? {} : { passwordSealed: null }),
      // A key without its certificate is of no use, and one more thing to lose.
      ...(plain.tlsCertificate === null ? { tlsKeySealed: null } : {}),
    };
    const row = { ...plain, defaultAction, opaqueAction, ...secret, updatedAt: sql`now()` };
    await tx
      .insert(connections)
      .values({ id, ...row })
      .onConflictDoUpdate({ target: connections.id, set: row });
  }
  const gone = by(changes, 'delete').map((change) => change.name);
  if (gone.length > 0) await tx.delete(connections).where(inArray(connections.name, gone));
}

/** Whoever left is not let in again by a document that has not heard of it. */
const unlessDeprovisioned = sql`case when ${principals.scim} ->> 'active' = 'false' then ${principals.disabledAt} end`;

async function changePrincipals(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  const wanted = request.document.principals.filter((principal) => isTouched(changes, principal.name));
  for (const { name, kind, email, slackUserId, role, limits } of wanted)
    await tx
      .insert(principals)
      .values({ id: newId('prn'), name, kind, email, slackUserId, role, limits })
      .onConflictDoUpdate({
        target: principals.name,
        set: { kind, email, slackUserId, role, limits, disabledAt: unlessDeprovisioned, managedBy: null },
      });
  // Owners and groups in a second pass: an owner may stand further down in the document.
  for (const { name, owner, groups: memberOf } of wanted) {
    const ownerId = owner === null ? null : sql`(select id from principals where name = ${owner})`;
    const [row] = await tx.update(principals).set({ ownerId }).where(eq(principals.name, name)).returning({ id: principals.id });
    if (row !== undefined) await setMembership(tx, row.id, memberOf);
  }
  const gone = by(changes, 'disable').map((change) => change.name);
  if (gone.length === 0) return;
  const disabled = await tx
    .update(principals)
    .set({ disabledAt: sql`now()` })
    .where(inArray(principals.name, gone))
    .returning({ id: principals.id });
  for (const { id } of disabled) await endSessionsOf(tx, id);
}

async function changeAccess(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  if (changes.every((change) => change.change === 'none')) return;
  await tx.delete(access);
  const rows = request.document.access.map((entry, position) => ({
    id: newId('acc'),
    position,
    connections: [...entry.connections],
    groups: [...entry.groups],
  }));
  if (rows.length > 0) await tx.insert(access).values(rows);
}

async function changeMasking(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  const gone = by(changes, 'delete').map((change) => change.name);
  if (gone.length > 0) await tx.delete(maskingRules).where(inArray(maskingRules.name, gone));
  for (const [position, rule] of request.document.masking.entries()) {
    const { connections: on, columns, detect, exceptGroups, ...plain } = rule;
    const row = { ...plain, connections: [...on], columns: [...columns], detect: [...detect], exceptGroups: [...exceptGroups], position };
    if (isTouched(changes, rule.name))
      await tx
        .insert(maskingRules)
        .values({ id: newId('msk'), ...row })
        .onConflictDoUpdate({ target: maskingRules.name, set: { ...row, updatedAt: sql`now()` } });
    else
      await tx
        .update(maskingRules)
        .set({ position })
        .where(and(eq(maskingRules.name, rule.name)));
  }
}

async function changeProviders(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  if (changes.every((change) => change.change === 'none')) return;
  const gone = request.stored.identity.filter(({ name }) => by(changes, 'delete').some((change) => change.name === name));
  for (const { id } of gone) {
    await forgetGroups(tx, id);
    await tx.delete(identityProviders).where(eq(identityProviders.id, id));
  }
  for (const [position, provider] of request.document.identity.entries()) {
    const current = request.stored.identity.find(({ name }) => name === provider.name);
    const id = current?.id ?? newId('idp');
    const isAnother = current !== undefined && issuerOf(current.settings) !== issuerOf(provider);
    // Whose subjects they were is another's to say now.
    if (isAnother) await tx.delete(identities).where(eq(identities.providerId, id));
    if (isAnother || provider.groups === undefined) await forgetGroups(tx, id);
    const secret = provider.type === 'oidc' ? provider.console?.clientSecret : undefined;
    const keepsNone = provider.type !== 'oidc' || provider.console === undefined;
    const row = {
      name: provider.name,
      position,
      settings: withoutSecret(provider),
      ...(secret !== undefined ? { secretSealed: seal(request.secretKey, secret, id) } : keepsNone ? { secretSealed: null } : {}),
    };
    await tx
      .insert(identityProviders)
      .values({ id, ...row })
      .onConflictDoUpdate({ target: identityProviders.id, set: row });
  }
}

/** A provider's word on groups is worth nothing once it is not asked any more. */
const forgetGroups = (tx: StoreTransaction, providerId: string) => tx.delete(principalGroups).where(eq(principalGroups.source, providerId));

/** Who it is that speaks; new certificates are no other. Its metadata was read when it was given. */
const issuerOf = (provider: IdentityProvider): string =>
  provider.type === 'oidc' ? provider.issuer : (/\bentityID\s*=\s*["']([^"']*)/.exec(provider.metadata)?.[1] ?? provider.metadata);

async function changeAudit(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  if (changes.every((change) => change.change === 'none')) return;
  const { plain, secrets } = splitSecrets(request.document.audit);
  const kept = keptSecrets(plain, storedSecrets(request), secrets);
  const secretsSealed = Object.keys(kept).length === 0 ? null : seal(request.secretKey, JSON.stringify(kept), AUDIT_SECRETS_BOUND_TO);
  const row = { settings: plain, secretsSealed };
  await tx
    .insert(auditSettings)
    .values({ id: 1, ...row })
    .onConflictDoUpdate({ target: auditSettings.id, set: row });
  await notify(tx, 'gatehouse_record', 'settings');
}

/** What cannot be opened is lost, and giving it anew is the way out. */
function storedSecrets({ stored, secretKey }: ChangeRequest): AuditSecrets {
  try {
    return openAuditSecrets(stored.audit.secretsSealed, secretKey);
  } catch {
    return {};
  }
}

async function changeRules(tx: StoreTransaction, request: ChangeRequest, changes: PolicyChange[]): Promise<void> {
  const gone = by(changes, 'delete').map((change) => change.name);
  if (gone.length > 0) await tx.delete(rules).where(inArray(rules.name, gone));
  for (const [position, rule] of request.document.rules.entries()) {
    const { connections: on, groups: of, ...plain } = rule;
    const row = { ...plain, connections: [...on], groups: [...of], position };
    if (isTouched(changes, rule.name))
      await tx
        .insert(rules)
        .values({ id: newId('rul'), ...row })
        .onConflictDoUpdate({ target: rules.name, set: { ...row, updatedAt: sql`now()` } });
    else await tx.update(rules).set({ position }).where(eq(rules.name, rule.name));
  }
}
