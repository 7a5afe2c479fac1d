import { asc } from 'drizzle-orm';
import { DEFAULT_AUDIT_SETTINGS } from '../../db/schema/auditShapes';
import { identityProviders } from '../../db/schema/identity';
import { access, connectionEnforcement, connections, maskingRules, policyState, rules } from '../../db/schema/policy';
import { auditSettings } from '../../db/schema/record';
import type { Store } from '../../db/store';
import { readTimedAccess } from '../identity/timedAccess';
import type { PolicySnapshot } from './types';

/** Reads the whole policy at one version, in one REPEATABLE READ transaction. The result is frozen; throws what the store throws. */
export async function loadPolicy(store: Store): Promise<PolicySnapshot> {
  return store.transaction(
    async (tx) => {
      const [state] = await tx.select().from(policyState);
      const connectionRows = await tx.select().from(connections);
      const proofs = await tx
        .select({
          connectionId: connectionEnforcement.connectionId,
          state: connectionEnforcement.state,
          maskingDigest: connectionEnforcement.maskingDigest,
          catalogFingerprint: connectionEnforcement.catalogFingerprint,
        })
        .from(connectionEnforcement);
      const proofOf = new Map(proofs.map(({ connectionId, ...proof }) => [connectionId, Object.freeze(proof)]));
      const accessRows = await tx.select().from(access).orderBy(asc(access.position), asc(access.id));
      const maskingRows = await tx.select().from(maskingRules).orderBy(asc(maskingRules.position), asc(maskingRules.id));
      const ruleRows = await tx.select().from(rules).orderBy(asc(rules.position), asc(rules.id));
      const [audit] = await tx.select({ settings: auditSettings.settings }).from(auditSettings);
      const providerRows = await tx.select().from(identityProviders).orderBy(asc(identityProviders.position), asc(identityProviders.id));
      const timed = await readTimedAccess(tx);
      return Object.freeze({
        version: state?.version ?? 0,
        accessVersion: state?.accessVersion ?? 0,
        durability: audit?.settings.durability ?? DEFAULT_AUDIT_SETTINGS.durability,
        connections: new Map(
          connectionRows.map(({ createdAt: _c, updatedAt: _u, defaultAction, opaqueAction, ...row }) => [
            row.name,
            Object.freeze({ ...row, default: defaultAction, opaque: opaqueAction, enforcement: proofOf.get(row.id) ?? null }),
          ]),
        ),
        access: Object.freeze([...accessRows.map((row) => Object.freeze({ connections: row.connections, groups: row.groups })), ...timed]),
        rules: Object.freeze(
          ruleRows.map(({ id: _i, position: _p, updatedAt: _u, ...rule }) => Object.freeze({ ...rule, approval: rule.approval ?? null })),
        ),
        providers: Object.freeze(providerRows.map(({ id, settings }) => Object.freeze({ ...settings, id }))),
        masking: Object.freeze(maskingRows.map(({ id: _i, position: _p, updatedAt: _u, ...rule }) => Object.freeze(rule))),
      });
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}
