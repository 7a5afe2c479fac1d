import { Document, isMap, isSeq, type Node, Scalar, visit } from 'yaml';
import type { MaskingRule, Rule } from '../../proxy/policy/types';
import { formatDuration } from '../duration';
import { escapeReferences } from './environment';
import { DEFAULT_EXPIRES_IN_MS } from './shapes';
import type { StoredPolicy } from './stored';

/**
 * The stored policy as a document that, applied, changes nothing. Defaults are left out. Passwords are never written: an absent password
 * keeps the stored one. Disabled principals are left out, because leaving a principal out is how a document disables it.
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
      tls: connection.tls,
      default: connection.default,
      opaque: connection.opaque,
      superuser: connection.superuser,
      ...some('limits', limits(connection.limits)),
      ...(connection.record.results === 'off' && connection.record.maxRows === undefined ? {} : { record: connection.record }),
    })),
    groups: stored.groups.map((group) => group.name),
    principals: stored.principals
      .filter((principal) => !principal.disabled)
      .map(({ name, kind, owner, email, groups, role, limits }) => ({
        name,
        kind,
        // An owner that is disabled is not in this document, and a reference must hold.
        ...(owner === null || stored.principals.some((other) => other.name === owner && other.disabled) ? {} : { owner }),
        ...(email === null ? {} : { email }),
        ...some('groups', groups),
        ...(role === 'member' ? {} : { role }),
        ...some('limits', limits),
      })),
    access: stored.access.map(({ connections, groups }) => ({ connections, groups })),
    masking: stored.masking.map(masking),
    rules: stored.rules.map(rule),
  });
  for (const [index, connection] of stored.connections.entries())
    if (connection.passwordSealed !== null) noteSecret(document.getIn(['connections', index]), connection.name);
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

function noteSecret(node: unknown, name: string): void {
  const variable = `${name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_PASSWORD`;
  if (isMap(node)) (node as Node).comment = ` password: \${${variable}}   # left out: the stored password is kept`;
}

const some = <K extends string, T extends object>(key: K, value: T): { [P in K]?: T } =>
  (Object.keys(value).length === 0 ? {} : { [key]: value }) as { [P in K]?: T };

const limits = ({ statementTimeoutMs, ...rest }: StoredPolicy['connections'][number]['limits']) => ({
  ...rest,
  ...(statementTimeoutMs === undefined ? {} : { statementTimeout: formatDuration(statementTimeoutMs) }),
});

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
        },
      }),
  ...(item.mode === 'enforce' ? {} : { mode: item.mode }),
});
