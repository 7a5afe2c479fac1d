import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isSeq, type Node, Scalar, visit } from 'yaml';
import { type AuditSettings, DEFAULT_AUDIT_SETTINGS } from '../../db/schema/auditShapes';
import type { UpstreamSession } from '../../db/schema/shapes';
import type { MaskingRule, Rule } from '../../proxy/policy/types';
import { toleranceWords } from '../../proxy/preview/tolerance';
import { formatDuration } from '../duration';
import { escapeReferences } from './environment';
import { renderProvider } from './identityDocument';
import { DEFAULT_EXPIRES_IN_MS } from './shapes';
import type { StoredPolicy } from './stored';

/**
 * The stored policy as a document that, applied, changes nothing. Defaults are left out. Passwords and client keys are never written: an
 * absent one keeps the stored one. Disabled principals are left out, because leaving a principal out is how a document disables it.
 */
export function renderPolicy(stored: StoredPolicy): string {
  const document = new Document({
    version: 1,
    connections: stored.connections.map((connection) => ({
      name: connection.name,
      host: connection.host,
      port: connection.port,
      database: connection.database,
      username: connection.username,
      ...(connection.passwordFrom == null ? {} : { password: connection.passwordFrom }),
      ...upstreamSession(connection.session),
      tls: connection.tls,
      ...(connection.tlsNegotiation === 'postgres' ? {} : { tlsNegotiation: connection.tlsNegotiation }),
      ...(connection.tlsCa === null ? {} : { tlsCa: connection.tlsCa }),
      ...(connection.tlsCertificate === null ? {} : { tlsCertificate: connection.tlsCertificate }),
      default: connection.default,
      opaque: connection.opaque,
      superuser: connection.superuser,
      ...(connection.functionCall === 'refuse' ? {} : { functionCall: connection.functionCall }),
      ...some('limits', limits(connection.limits)),
      ...(connection.requestable === null
        ? {}
        : {
            requestable: {
              ...some('groups', connection.requestable.groups),
              count: connection.requestable.count,
              maxDuration: formatDuration(connection.requestable.maxDurationMs),
            },
          }),
      ...(connection.audit === null ? {} : { audit: connection.audit }),
      ...(connection.record.results === 'off' && connection.record.maxRows === undefined ? {} : { record: connection.record }),
    })),
    groups: stored.groups.map((group) => group.name),
    principals: stored.principals
      .filter((principal) => (!principal.disabled || principal.deprovisioned) && !principal.managed)
      .map(({ name, kind, owner, email, slackUserId, groups, role, limits }) => ({
        name,
        kind,
        // An owner that is disabled is not in this document, and a reference must hold.
        ...(owner === null || stored.principals.some((other) => other.name === owner && (other.disabled || other.managed))
          ? {}
          : { owner }),
        ...(email === null ? {} : { email }),
        ...(slackUserId === null ? {} : { slackUserId }),
        ...some('groups', groups),
        ...(role === 'member' ? {} : { role }),
        ...some('limits', limits),
      })),
    access: stored.access.map(({ connections, groups }) => ({ connections, groups })),
    masking: stored.masking.map(masking),
    rules: stored.rules.map(rule),
    ...(stored.identity.length === 0 ? {} : { identity: { providers: stored.identity.map(({ settings }) => renderProvider(settings)) } }),
    ...(isDeepStrictEqual(stored.audit.settings, DEFAULT_AUDIT_SETTINGS) ? {} : { audit: audit(stored.audit.settings) }),
  });
  if (stored.audit.secretsSealed !== null) noteAuditSecrets(document.get('audit'));
  for (const [index, { secretSealed }] of stored.identity.entries()) {
    const web = document.getIn(['identity', 'providers', index, 'console']);
    if (secretSealed !== null && isMap(web)) (web as Node).comment = ' clientSecret is left out: the stored one is kept';
  }
  for (const [index, connection] of stored.connections.entries())
    noteSecrets(document.getIn(['connections', index]), connection.name, [
      ...(connection.passwordSealed === null ? [] : (['password'] as const)),
      ...(connection.tlsKeySealed === null ? [] : (['tlsKey'] as const)),
    ]);
  visit(document, {
    Scalar(key, node) {
      if (key !== 'key' && typeof node.value === 'string') node.value = escapeReferences(node.value);
    },
    // Lists of words and small maps read better on one line.
    Collection(_key, node, path) {
      const plain = node.items.every((item) => item instanceof Scalar);
      if (isSeq(node) && plain && node.items.length > 0) node.flow = true;
      if (isMap(node) && path.length > 6) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 140, flowCollectionPadding: true });
}

const upstreamSession = ({ variables, applicationName }: UpstreamSession) =>
  some('session', { ...some('variables', variables), ...(applicationName === undefined ? {} : { applicationName }) });

function noteSecrets(node: unknown, name: string, secrets: readonly ('password' | 'tlsKey')[]): void {
  const prefix = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  const words = { password: ['PASSWORD', 'the stored password'], tlsKey: ['TLS_KEY', 'the stored key'] } as const;
  const lines = secrets.map((secret) => ` ${secret}: \${${prefix}_${words[secret][0]}}   # left out: ${words[secret][1]} is kept`);
  if (isMap(node) && lines.length > 0) (node as Node).comment = lines.join('\n');
}

function noteAuditSecrets(node: unknown): void {
  if (isMap(node)) (node as Node).comment = ' secrets of witnesses, sinks and archive are left out: the stored ones are kept';
}

const audit = ({ durability, checkpointEveryMs, witnesses, sinks, retention }: AuditSettings) => {
  const rest = {
    ...(checkpointEveryMs === DEFAULT_AUDIT_SETTINGS.checkpointEveryMs ? {} : { checkpointEvery: formatDuration(checkpointEveryMs) }),
    ...some('witnesses', witnesses),
    ...some('sinks', sinks),
    ...(retention === null
      ? {}
      : { retention: { days: retention.days, ...(retention.archive === null ? {} : { archive: retention.archive }) } }),
  };
  return Object.keys(rest).length === 0 ? durability : { ...(durability === 'group' ? {} : { durability }), ...rest };
};

const some = <K extends string, T extends object>(key: K, value: T): { [P in K]?: T } =>
  (Object.keys(value).length === 0 ? {} : { [key]: value }) as { [P in K]?: T };

const limits = ({
  statementTimeoutMs,
  lockTimeoutMs,
  idleTimeoutMs,
  idleInTransactionTimeoutMs,
  ...rest
}: StoredPolicy['connections'][number]['limits']) => ({
  ...rest,
  ...duration('statementTimeout', statementTimeoutMs),
  ...duration('lockTimeout', lockTimeoutMs),
  ...duration('idleTimeout', idleTimeoutMs),
  ...duration('idleInTransactionTimeout', idleInTransactionTimeoutMs),
});

const duration = (name: string, ms: number | undefined) => (ms === undefined ? {} : { [name]: formatDuration(ms) });

const masking = (item: MaskingRule) => ({
  name: item.name,
  ...some('connections', item.connections),
  ...some('columns', item.columns),
  ...some('detect', item.detect),
  mask: item.mask,
  inference: item.inference,
  ...some('exceptGroups', item.exceptGroups),
  mode: item.mode,
});

const rule = (item: Rule) => ({
  name: item.name,
  ...some('connections', item.connections),
  ...some('groups', item.groups),
  match: item.match,
  action: item.action,
  ...(item.message === null ? {} : { message: item.message }),
  ...(item.approval === null
    ? {}
    : {
        approval: {
          ...some('groups', item.approval.groups),
          count: item.approval.count,
          expiresIn: formatDuration(item.approval.expiresInMs ?? DEFAULT_EXPIRES_IN_MS),
          ...(item.approval.at === undefined ? {} : { at: item.approval.at }),
          ...(item.approval.dryRun === undefined ? {} : { dryRun: item.approval.dryRun }),
          ...(item.approval.passkey === undefined ? {} : { passkey: item.approval.passkey }),
          ...(item.approval.tolerance === undefined ? {} : { tolerance: toleranceWords(item.approval.tolerance) }),
          ...some('breakGlass', item.approval.breakGlass ?? []),
        },
      }),
  ...(item.mode === 'enforce' ? {} : { mode: item.mode }),
});
