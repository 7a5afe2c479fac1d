import { open } from '../../db/secrets';
import type { Store } from '../../db/store';
import { type Endpoint, openTlsKey } from '../../proxy/upstream/endpoint';
import type { PolicyIssue } from '../errors';
import { checkMasksFit, rulesOn } from '../masking/fit';
import type { DocumentConnection } from './document';
import { parsePolicy } from './parse';
import { planPolicy, wantedReference } from './plan';
import { changedSecrets, secretIssues } from './secrets';
import { readStoredPolicy, type StoredPolicy } from './stored';

interface FitRequest {
  yaml: string;
  env: Readonly<Record<string, string | undefined>>;
  actor: { id: string | null };
  secretKey: Buffer;
}

/**
 * Holds the masks that a document brings or changes, and those on connections it changes, against the catalogs of the connections. It is
 * asked before the policy is locked, because upstreams may be slow; a document that has other faults is left to {@link applyPolicy}, and
 * nothing is sent anywhere on its behalf.
 */
export async function masksFit(store: Store, request: FitRequest): Promise<{ issues: PolicyIssue[]; warnings: string[] }> {
  const parsed = parsePolicy(request.yaml, request.env);
  if (!parsed.ok) return { issues: [], warnings: [] };
  const { document, issueAt } = parsed;
  const stored = await readStoredPolicy(store);
  if (secretIssues(stored, document, request.secretKey).length > 0) return { issues: [], warnings: [] };
  const secretsChanged = changedSecrets(stored, document, request.secretKey);
  const { changes } = planPolicy(stored, document, { secretsChanged, actorId: request.actor.id });
  const changed = (kind: 'masking' | 'connection') =>
    new Set(changes.filter((item) => item.kind === kind && item.change !== 'none').map((item) => item.name));
  const [rules, connections] = [changed('masking'), changed('connection')];
  const { refused, warnings } = await checkMasksFit(
    document.connections.map((connection) => ({
      connection: connection.name,
      rules: rulesOn(
        connection.name,
        document.masking.filter((rule) => rules.has(rule.name) || connections.has(connection.name)),
      ),
      endpoint: () => endpointIn(connection, stored, request.secretKey),
    })),
  );
  const issues = refused.map(({ rule, message }) =>
    issueAt(['masking', document.masking.findIndex((item) => item.name === rule), 'mask'], message),
  );
  return { issues, warnings };
}

/** A connection as the document has it; credentials it leaves out are the stored ones, which {@link secretIssues} has let it keep. */
function endpointIn(connection: DocumentConnection, stored: StoredPolicy, secretKey: Buffer): Endpoint {
  const { host, port, database, username, password, tlsKey } = connection;
  const kept = stored.connections.find((item) => item.name === connection.name);
  const keptPassword = kept?.passwordSealed == null ? null : () => open(secretKey, kept.passwordSealed ?? '', kept.id);
  const keptKey = kept?.tlsKeySealed == null ? null : () => openTlsKey(secretKey, kept.tlsKeySealed ?? '', kept.id);
  return {
    host,
    port,
    database,
    username,
    passwordFrom: wantedReference(kept, connection),
    password: password === undefined ? (keptPassword?.() ?? null) : password || null,
    tls: {
      mode: connection.tls,
      negotiation: connection.tlsNegotiation,
      ca: connection.tlsCa,
      certificate: connection.tlsCertificate,
      key: connection.tlsCertificate === null ? null : (tlsKey ?? keptKey?.() ?? null),
    },
  };
}
