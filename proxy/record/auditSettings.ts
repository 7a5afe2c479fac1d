import { eq } from 'drizzle-orm';
import { type AuditSettings, DEFAULT_AUDIT_SETTINGS, type SinkTarget, type WitnessTarget } from '../../db/schema/auditShapes';
import { auditSettings } from '../../db/schema/record';
import { open } from '../../db/secrets';
import type { StoreHandle } from '../../db/store';

type Target = WitnessTarget | SinkTarget | NonNullable<NonNullable<AuditSettings['retention']>['archive']>;

/** What of a target is a secret, whatever its type. */
const SECRET_FIELDS = ['accessKeyId', 'secretAccessKey', 'token', 'secret', 'headers'] as const;

/** What the sealed secrets of the one row are bound to. */
export const AUDIT_SECRETS_BOUND_TO = 'audit settings';

/** By target without its secrets, and field; the value as JSON. */
export type AuditSecrets = Readonly<Record<string, string>>;

/** Settings without their secrets, which may be shown and compared, and the secrets beside them. Pure. */
export function splitSecrets(settings: AuditSettings): { plain: AuditSettings; secrets: AuditSecrets } {
  const secrets: Record<string, string> = {};
  const plain = mapTargets(settings, (target) => {
    const bare = withoutSecrets(target);
    for (const [field, value] of Object.entries(target)) if (isSecret(field)) secrets[placeOf(bare, field)] = JSON.stringify(value);
    return bare;
  });
  return { plain, secrets };
}

/** The other way round. A secret of a target that is no longer there is left out. Pure. */
export function joinSecrets(plain: AuditSettings, secrets: AuditSecrets): AuditSettings {
  return mapTargets(plain, (target) => {
    const joined: Record<string, unknown> = { ...target };
    for (const field of SECRET_FIELDS) {
      const value = secrets[placeOf(target, field)];
      if (value !== undefined) joined[field] = JSON.parse(value);
    }
    // The same target, with fields that its type has: they were split from one.
    return joined as typeof target;
  });
}

/** The secrets that targets of `plain` have, of two sets: the newer where both have one. Pure. */
export function keptSecrets(plain: AuditSettings, stored: AuditSecrets, given: AuditSecrets): AuditSecrets {
  return splitSecrets(joinSecrets(plain, { ...stored, ...given })).secrets;
}

/** As the policy document has them, secrets included: never shown. The defaults where there is no row. */
export async function readAuditSettings(store: StoreHandle, secretKey: Buffer): Promise<AuditSettings> {
  const [row] = await store.select().from(auditSettings).where(eq(auditSettings.id, 1));
  if (row === undefined) return DEFAULT_AUDIT_SETTINGS;
  return joinSecrets(row.settings, openAuditSecrets(row.secretsSealed, secretKey));
}

/** @throws Error when GATEHOUSE_SECRET_KEY is another */
export function openAuditSecrets(sealed: string | null, secretKey: Buffer): AuditSecrets {
  return sealed === null ? {} : (JSON.parse(open(secretKey, sealed, AUDIT_SECRETS_BOUND_TO)) as AuditSecrets);
}

const isSecret = (field: string): boolean => (SECRET_FIELDS as readonly string[]).includes(field);
const withoutSecrets = <T extends Target>(target: T): T =>
  // All secrets are optional in each type.
  Object.fromEntries(Object.entries(target).filter(([field]) => !isSecret(field))) as T;
const placeOf = (bare: Target, field: string): string =>
  `${JSON.stringify(Object.entries(bare).sort(([a], [b]) => (a < b ? -1 : 1)))} ${field}`;

function mapTargets(settings: AuditSettings, map: <T extends Target>(target: T) => T): AuditSettings {
  const { witnesses, sinks, retention } = settings;
  return {
    ...settings,
    witnesses: witnesses.map((target) => map(target)),
    sinks: sinks.map((target) => map(target)),
    retention: retention === null || retention.archive === null ? retention : { ...retention, archive: map(retention.archive) },
  };
}
