import { open } from '../../db/secrets';
import { openAuditSecrets, splitSecrets } from '../../proxy/record/auditSettings';
import { openTlsKey } from '../../proxy/upstream/endpoint';
import { keptPasswordIssue } from '../connections/keptPassword';
import { keptKeyIssue } from '../connections/tlsFields';
import type { PolicyDocument } from './document';
import type { StoredPolicy } from './stored';

/** The names of connections whose document gives another password or client key than the store holds. */
export interface ChangedSecrets {
  passwords: ReadonlySet<string>;
  tlsKeys: ReadonlySet<string>;
  /** The names of identity providers whose document gives another client secret. */
  clientSecrets: ReadonlySet<string>;
  /** The document gives a secret of `audit` that is not the stored one. */
  audit: boolean;
}

/** A stored credential is for the server it was given for; keeping it for another one would hand it over. */
export function secretIssues(
  stored: StoredPolicy,
  document: PolicyDocument,
  secretKey: Buffer,
): { path: PropertyKey[]; message: string }[] {
  const moved = document.identity.flatMap((wanted, index) => {
    const current = stored.identity.find(({ name }) => name === wanted.name);
    if (current?.secretSealed == null || current.settings.type !== 'oidc' || wanted.type !== 'oidc') return [];
    return wanted.console?.clientSecret === undefined && current.settings.issuer !== wanted.issuer
      ? [{ path: ['identity', 'providers', index], message: 'give the client secret again, because the issuer changed' }]
      : [];
  });
  const ofConnections = document.connections.flatMap((wanted, index) => {
    const current = stored.connections.find((connection) => connection.name === wanted.name);
    const path = ['connections', index];
    const kept = wanted.password === undefined && wanted.passwordFrom == null ? keptPasswordIssue(current, wanted) : null;
    const key = keptKeyIssue(wanted, current, secretKey);
    return [
      ...(kept === null ? [] : [{ path, message: `give the password again, because ${kept}` }]),
      ...(key === null ? [] : [{ path: [...path, key.path], message: key.message }]),
    ];
  });
  return [...ofConnections, ...moved];
}

/** A stored credential that cannot be opened counts as changed: sealing it anew is the way out of a lost key. */
export function changedSecrets(stored: StoredPolicy, document: PolicyDocument, secretKey: Buffer): ChangedSecrets {
  const passwords = new Set<string>();
  const tlsKeys = new Set<string>();
  for (const { name, password, tlsKey } of document.connections) {
    const current = stored.connections.find((connection) => connection.name === name);
    if (password !== undefined && !isStored(password, current?.passwordSealed, (sealed) => open(secretKey, sealed, current?.id ?? '')))
      passwords.add(name);
    if (tlsKey !== undefined && !isStored(tlsKey, current?.tlsKeySealed, (sealed) => openTlsKey(secretKey, sealed, current?.id ?? '')))
      tlsKeys.add(name);
  }
  const clientSecrets = new Set<string>();
  for (const provider of document.identity) {
    const secret = provider.type === 'oidc' ? provider.console?.clientSecret : undefined;
    const current = stored.identity.find(({ name }) => name === provider.name);
    if (secret !== undefined && !isStored(secret, current?.secretSealed, (sealed) => open(secretKey, sealed, current?.id ?? '')))
      clientSecrets.add(provider.name);
  }
  return { passwords, tlsKeys, clientSecrets, audit: auditSecretsChanged(stored, document, secretKey) };
}

function auditSecretsChanged(stored: StoredPolicy, document: PolicyDocument, secretKey: Buffer): boolean {
  const given = Object.entries(splitSecrets(document.audit).secrets);
  if (given.length === 0) return false;
  try {
    const known = openAuditSecrets(stored.audit.secretsSealed, secretKey);
    return given.some(([place, value]) => known[place] !== value);
  } catch {
    return true;
  }
}

function isStored(value: string, sealed: string | null | undefined, opened: (sealed: string) => string): boolean {
  if (sealed == null) return value === '';
  try {
    return opened(sealed) === value;
  } catch {
    return false;
  }
}
