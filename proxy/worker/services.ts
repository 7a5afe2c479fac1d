import type { CatalogSnapshot } from '../catalog/types';
import { type MaskIndex, maskedColumnsFor, mayBeMasked } from '../masking/columns';
import { type DetectingRule, detectionFor } from '../masking/detect/rules';
import type { ConnectionPolicy, PolicySnapshot, Principal } from '../policy/types';
import { isUnrestricted } from '../policy/unrestricted';
import type { SessionFacts } from '../session/execution';
import type { SessionLimits, SessionServices, SessionView } from '../session/session';
import { SqlTooComplexError } from '../sql/parse';
import { cancelUpstream } from '../upstream/cancel';
import type { Upstream, UpstreamTarget } from '../upstream/connect';
import { catalogUnavailable, statementNotAnalyzed, terminatedByAdministrator } from '../wire/errors';
import { MAX_MESSAGE_BYTES } from '../wire/messages';
import { keepColumnNames } from './columnNames';
import { durabilityOf, recordedInOrder } from './durability';
import { type Gateway, newErrorId } from './gateway';
import { log } from './log';
import { codeOf, framesOf } from './shownError';

const MAX_STATEMENT_BYTES = 1024 * 1024;

/** What one session gets of its worker. */
export function servicesFor(
  gateway: Gateway,
  session: { facts: SessionFacts; target: UpstreamTarget; upstream: Upstream; onClosed(reason: string): void },
): SessionServices {
  const view = createView(gateway);
  const detecting = createDetecting(gateway);
  return {
    view: () => view(session.facts),
    mayBeMasked({ connectionName, principal }) {
      const { connections, masking } = gateway.policy.current();
      const connection = connections.get(connectionName);
      return connection === undefined || mayBeMasked({ masking, connection, principal });
    },
    detecting: ({ connectionName, principal }) => detecting(connectionName, principal),
    async refreshCatalog(connectionName) {
      await gateway.catalogs.byName(connectionName)?.refresh();
    },
    judge(text, current, searchPathKnown) {
      try {
        return gateway.judge.judge(text, { ...current, now: new Date(), ...(searchPathKnown ? {} : { searchPath: null }) });
      } catch (error) {
        if (error instanceof SqlTooComplexError) throw statementNotAnalyzed(error.message);
        throw error;
      }
    },
    record: (entry, of) => gateway.journal.append(entry, of),
    whenRecorded: recordedInOrder(gateway.journal, () => durabilityOf(gateway.policy.current(), session.facts.connectionName)),
    hold: (request, onProgress) => gateway.desk.hold(request, onProgress),
    claim: (request) => gateway.desk.claim(request),
    granted: (request) => gateway.desk.granted(request),
    breakGlass: (use) => gateway.desk.breakGlass(use),
    async cancelUpstream() {
      const { cancelKey } = session.upstream;
      if (cancelKey !== null) await cancelUpstream({ ...session.target, timeoutMs: 5_000 }, cancelKey);
    },
    requestLink: (requestId) => `${gateway.settings.consoleUrl}/approvals/${requestId}`,
    hashKey: gateway.hashKey,
    onRead: gateway.onRead,
    limits: () => limitsOf(gateway.policy.current().connections.get(session.facts.connectionName)),
    usage: () => gateway.usage.of(session.facts.principal),
    onClosed(reason) {
      session.onClosed(reason);
    },
    logError: (errorId, error) => log.error({ errorId, code: codeOf(error), stack: framesOf(error) }, 'session error'),
    newErrorId,
  };
}

const limitsByConnection = new WeakMap<ConnectionPolicy, SessionLimits>();
const NO_LIMITS: SessionLimits = {
  statementBytes: MAX_STATEMENT_BYTES,
  messageBytes: MAX_MESSAGE_BYTES,
  idleMs: null,
  idleInTransactionMs: null,
  statementMs: null,
};

/** A connection that was removed ends its sessions by itself. */
function limitsOf(connection: ConnectionPolicy | undefined): SessionLimits {
  if (connection === undefined) return NO_LIMITS;
  const known = limitsByConnection.get(connection);
  if (known !== undefined) return known;
  const { maxStatementBytes, maxMessageBytes, idleTimeoutMs, idleInTransactionTimeoutMs, statementTimeoutMs } = connection.limits;
  const limits: SessionLimits = {
    statementBytes: maxStatementBytes ?? NO_LIMITS.statementBytes,
    messageBytes: maxMessageBytes ?? NO_LIMITS.messageBytes,
    idleMs: idleTimeoutMs ?? null,
    idleInTransactionMs: idleInTransactionTimeoutMs ?? null,
    statementMs: statementTimeoutMs ?? null,
  };
  limitsByConnection.set(connection, limits);
  return limits;
}

/** Resolving masks parses every view; sessions with the same groups share one index. Goes with its catalog snapshot. */
const masksByCatalog = new WeakMap<CatalogSnapshot, Map<string, MaskIndex>>();

/** @param onNew called when this catalog meets this policy for the first time */
export function masksFor(scope: Omit<SessionView, 'masks' | 'timeless' | 'unrestricted'>, onNew: () => void = () => undefined): MaskIndex {
  const known = masksByCatalog.get(scope.catalog) ?? new Map<string, MaskIndex>();
  masksByCatalog.set(scope.catalog, known);
  const key = JSON.stringify([scope.policy.version, scope.connection.id, scope.principal.groups]);
  const found = known.get(key);
  if (found !== undefined) return found;
  // Old policy versions are never asked for again.
  if (known.size >= 100) known.clear();
  const masks = maskedColumnsFor({ masking: scope.policy.masking, ...scope });
  known.set(key, masks);
  onNew();
  return masks;
}

/** Without it a rename while no gateway runs would take a mask away: the next one would not know the column. */
function keepNames(gateway: Gateway, scope: Parameters<typeof keepColumnNames>[1]): void {
  keepColumnNames(gateway.store, scope).catch((error: unknown) => {
    log.warn({ connection: scope.connection.name, code: codeOf(error) }, 'names of masked columns could not be kept');
  });
}

/** The session's rules about content, made anew only when the policy or the principal moved. */
function createDetecting(gateway: Gateway): (connectionName: string, principal: Principal) => readonly DetectingRule[] {
  let last: { policy: PolicySnapshot; principal: Principal; rules: readonly DetectingRule[] } | undefined;
  return (connectionName, principal) => {
    const policy = gateway.policy.current();
    if (last !== undefined && last.policy === policy && last.principal === principal) return last.rules;
    const connection = policy.connections.get(connectionName);
    const rules = connection === undefined ? [] : detectionFor({ masking: policy.masking, connection, principal });
    last = { policy, principal, rules };
    return rules;
  };
}

/** The session's view of policy and catalog, made anew only when one of them, or the principal, moved. */
function createView(gateway: Gateway): (facts: SessionFacts) => SessionView | Promise<SessionView> {
  let last: SessionView | undefined;

  const build = (facts: SessionFacts, connection: ConnectionPolicy, catalog: CatalogSnapshot): SessionView => {
    const policy = gateway.policy.current();
    const { principal } = facts;
    if (last !== undefined && last.policy === policy && last.catalog === catalog && last.principal === principal) return last;
    last = {
      policy,
      connection,
      principal,
      catalog,
      masks: masksFor({ policy, connection, principal, catalog }, () =>
        keepNames(gateway, { masking: policy.masking, connection, catalog }),
      ),
      unrestricted: isUnrestricted(policy, connection, principal),
      timeless: policy.rules.every((rule) => rule.match.hours === undefined),
    };
    return last;
  };

  return (facts) => {
    const connection = gateway.policy.current().connections.get(facts.connectionName);
    if (connection === undefined) throw terminatedByAdministrator('the connection was removed');
    const keeper = gateway.catalogs.get(connection);
    const catalog = keeper.current() ?? (isUnrestricted(gateway.policy.current(), connection, facts.principal) ? keeper.latest() : null);
    if (catalog !== null) return build(facts, connection, catalog);
    return keeper.ready().then(
      (snapshot) => build(facts, connection, snapshot),
      () => {
        throw catalogUnavailable(facts.connectionName);
      },
    );
  };
}
