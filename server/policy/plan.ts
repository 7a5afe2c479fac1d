import { isDeepStrictEqual } from 'node:util';
import type { PasswordFrom } from '../../db/schema/shapes';
import type { AccessGrant } from '../../proxy/policy/types';
import { splitSecrets } from '../../proxy/record/auditSettings';
import type { PolicyDocument } from './document';
import { withoutSecret } from './identityDocument';
import type { ChangedSecrets } from './secrets';
import type { ObjectKind, PolicyChange } from './shape';
import type { StoredPolicy } from './stored';

/** What a document does to the stored policy, before anything is touched. */
export interface PolicyPlan {
  changes: PolicyChange[];
  /** What the operator should know and the gateway goes on without. */
  warnings: string[];
}

export interface PlanFacts {
  /** Whose credentials in the document differ from the stored ones. */
  secretsChanged: ChangedSecrets;
  /** Who applies the document; null for the gateway itself. */
  actorId: string | null;
}

/** Compares a document with the store. Pure; a change names fields and never their values. */
export function planPolicy(stored: StoredPolicy, document: PolicyDocument, facts: PlanFacts): PolicyPlan {
  const changes: PolicyChange[] = [];
  const warnings: string[] = [];

  compare('connection', stored.connections, document.connections, changes, (before, after) => {
    const { id: _id, passwordSealed: _password, tlsKeySealed: _key, passwordFrom: _from, ...plain } = before;
    const { password: _given, tlsKey: _givenKey, passwordFrom: _wantedFrom, ...wanted } = after;
    const { passwords, tlsKeys } = facts.secretsChanged;
    return [
      ...differing(plain, wanted),
      ...(passwords.has(after.name) || !isDeepStrictEqual(wantedReference(before, after), before.passwordFrom ?? null) ? ['password'] : []),
      ...(tlsKeys.has(after.name) ? ['tlsKey'] : []),
    ];
  });
  compare(
    'group',
    stored.groups.filter(({ name, managed }) => !managed || document.groups.includes(name)),
    document.groups.map((name) => ({ name })),
    changes,
    () => [],
  );
  planPrincipals(stored, document, facts, changes, warnings);
  planAccess(stored.access, document.access, changes);
  compare('masking', stored.masking, document.masking, changes, withoutId);
  compare('rule', stored.rules, document.rules, changes, withoutId);
  compare('identity provider', stored.identity, document.identity, changes, ({ settings }, wanted) => [
    ...differing(settings, withoutSecret(wanted)),
    ...(facts.secretsChanged.clientSecrets.has(wanted.name) ? ['clientSecret'] : []),
  ]);
  planAudit(stored, document, facts, changes);
  return { changes, warnings: [...warnings, ...notEnforced(document), ...weakTls(document), ...tooFewReviewers(document)] };
}

/** Where the password is once `after` is applied: a given password takes the place of a reference, and neither keeps what is stored. */
export const wantedReference = (
  before: { passwordFrom?: PasswordFrom | null } | undefined,
  after: { password?: string; passwordFrom?: PasswordFrom | null },
): PasswordFrom | null => (after.password === undefined ? (after.passwordFrom ?? before?.passwordFrom ?? null) : null);

/** Only what changes something. */
export const effective = (changes: readonly PolicyChange[]): PolicyChange[] => changes.filter((change) => change.change !== 'none');

interface Named {
  name: string;
}

/** Objects by name; where order carries meaning (rules, masking), a moved object differs in `position`. */
function compare<B extends Named, A extends Named>(
  kind: ObjectKind,
  before: readonly B[],
  after: readonly A[],
  changes: PolicyChange[],
  differ: (before: B, after: A) => string[],
): void {
  const ordered = kind === 'rule' || kind === 'masking' || kind === 'identity provider';
  const survivors = before.filter((item) => after.some((other) => other.name === item.name)).map((item) => item.name);
  let rank = 0;
  for (const wanted of after) {
    const current = before.find((item) => item.name === wanted.name);
    if (current === undefined) {
      changes.push({ kind, name: wanted.name, change: 'create', fields: [] });
      continue;
    }
    const moved = ordered && survivors[rank++] !== wanted.name;
    const fields = [...differ(current, wanted), ...(moved ? ['position'] : [])];
    changes.push({ kind, name: wanted.name, change: fields.length === 0 ? 'none' : 'update', fields });
  }
  for (const item of before)
    if (!after.some((other) => other.name === item.name)) changes.push({ kind, name: item.name, change: 'delete', fields: [] });
}

const withoutId = <B extends { id: string }>({ id: _id, ...before }: B, after: object): string[] => differing(before, after);

function differing(before: object, after: object): string[] {
  const left = new Map<string, unknown>(Object.entries(before));
  const right = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...left.keys(), ...right.keys()])].filter((key) => !isDeepStrictEqual(left.get(key), right.get(key))).sort();
}

/**
 * A principal that the document does not name is disabled, never deleted: the record speaks of it. Two are kept, with a warning, because
 * nobody could undo it: whoever applies the document, and the administrators where the document names none.
 */
function planPrincipals(
  stored: StoredPolicy,
  document: PolicyDocument,
  facts: PlanFacts,
  changes: PolicyChange[],
  warnings: string[],
): void {
  const namesAdministrator = document.principals.some((principal) => principal.role === 'admin' && principal.kind === 'human');
  for (const wanted of document.principals) {
    const current = stored.principals.find((principal) => principal.name === wanted.name);
    if (current === undefined) {
      changes.push({ kind: 'principal', name: wanted.name, change: 'create', fields: [] });
      continue;
    }
    const { id: _id, disabled, managed, deprovisioned, ...plain } = current;
    const fields = differing({ ...plain, groups: [...plain.groups].sort() }, { ...wanted, groups: [...new Set(wanted.groups)].sort() });
    if (deprovisioned) warnings.push(`principal ${current.name} was deactivated by SCIM and stays so`);
    else if (disabled) fields.push('disabled');
    if (managed) fields.push('managed');
    changes.push({ kind: 'principal', name: wanted.name, change: fields.length === 0 ? 'none' : 'update', fields });
  }
  for (const current of stored.principals) {
    if (document.principals.some((principal) => principal.name === current.name) || current.disabled || current.managed) continue;
    const keep = current.id === facts.actorId || (current.role === 'admin' && current.kind === 'human' && !namesAdministrator);
    if (keep)
      warnings.push(`principal ${current.name} is not in the document and is kept: without it nobody could administer this gateway`);
    changes.push({ kind: 'principal', name: current.name, change: keep ? 'none' : 'disable', fields: [] });
  }
}

/** An access entry has no name: what it says is what it is. */
export const accessName = (entry: AccessGrant): string => `${entry.connections.join(', ')} → ${entry.groups.join(', ')}`;

function planAccess(before: readonly AccessGrant[], after: readonly AccessGrant[], changes: PolicyChange[]): void {
  const left = before.map(accessName);
  const right = after.map(accessName);
  for (const name of right) changes.push({ kind: 'access', name, change: left.includes(name) ? 'none' : 'create', fields: [] });
  for (const name of left) if (!right.includes(name)) changes.push({ kind: 'access', name, change: 'delete', fields: [] });
}

/** There is one, so it is only ever changed. */
function planAudit(stored: StoredPolicy, document: PolicyDocument, facts: PlanFacts, changes: PolicyChange[]): void {
  const fields = differing(stored.audit.settings, splitSecrets(document.audit).plain).map((field) =>
    field === 'checkpointEveryMs' ? 'checkpointEvery' : field,
  );
  if (facts.secretsChanged.audit) fields.push('secrets');
  if (fields.length > 0) changes.push({ kind: 'audit', name: 'audit', change: 'update', fields });
}

/** What the format has and this version of the gateway does not do yet. Such rules fail closed; the operator should hear it here. */
function notEnforced(document: PolicyDocument): string[] {
  const warnings: string[] = [];
  for (const rule of document.rules)
    if (rule.match.maxAffectedRows !== undefined && rule.mode === 'observe')
      warnings.push(`rule ${rule.name}: changed rows are not counted in mode observe, because counting holds results back`);
  for (const rule of document.masking) {
    if (rule.inference === 'masked' && rule.mask.type === 'hash')
      warnings.push(`masking ${rule.name}: the server cannot compute hash without its key, so inference masked acts as closed`);
  }
  return warnings;
}

/** Certificates that do not protect what whoever gave them may think they do. */
function weakTls(document: PolicyDocument): string[] {
  return document.connections.flatMap(({ name, tls, tlsCa, tlsCertificate }) => {
    if (tlsCa === null && tlsCertificate === null) return [];
    if (tls === 'disable') return [`connection ${name}: tls is disable, so its certificates are not used`];
    return tls === 'prefer' ? [`connection ${name}: tls is prefer, so a server that says it has no TLS is spoken to in clear`] : [];
  });
}

function tooFewReviewers(document: PolicyDocument): string[] {
  const reviewers = (groups: readonly string[]) =>
    document.principals.filter(
      (principal) =>
        principal.kind === 'human' &&
        (principal.role === 'admin' || principal.role === 'reviewer') &&
        (groups.length === 0 || groups.some((group) => principal.groups.includes(group))),
    ).length;
  const ofAccess = document.connections.flatMap(({ name, requestable }) => {
    const found = requestable === null ? 0 : reviewers(requestable.groups);
    return requestable === null || found >= requestable.count
      ? []
      : [
          `connection ${name} needs ${requestable.count} reviewers to give access and the document names ${found}: requests can only expire`,
        ];
  });
  const ofRules = document.rules.flatMap((rule) => {
    if (rule.approval === null || rule.mode === 'off') return [];
    const found = reviewers(rule.approval.groups);
    return found >= rule.approval.count
      ? []
      : [`rule ${rule.name} needs ${rule.approval.count} reviewers and the document names ${found}: what it holds can only expire`];
  });
  return [...ofAccess, ...ofRules];
}
