import { type Id, newId } from '../../db/ids';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import type { ParameterValue, Reviewer, StatementStatus } from '../../db/schema/shapes';
import { newPart, type RecordedStatement } from '../journal/definitions';
import type { OutcomeEntry, StatementEntry } from '../journal/entries';
import type { Usage } from '../limits/usage';
import type { ResultPlan } from '../masking/results';
import type { JudgedStatement } from '../policy/judge';
import type { AffectedLimit, Principal } from '../policy/types';
import { shapeOf } from '../sql/shape';
import type { WireError } from '../wire/errors';
import type { TransactionStatus } from '../wire/messages';
import type { ResultRecording } from './resultRecording';

/** One run of one statement, from its verdict to its outcome. */
export interface Execution {
  readonly id: Id<'stm'>;
  /** Replaced once, before it is recorded, where a grant or a break-glass decides in place of the rule. */
  judged: JudgedStatement;
  readonly protocol: 'simple' | 'extended' | 'function call';
  readonly parameters: readonly ParameterValue[];
  /** The statement this is another run of. */
  runOf: string | null;
  requestId: string | null;
  /** The grant that released it. */
  grantId: string | null;
  /** The reason given for running it without the approval it needs. */
  breakGlass: string | null;
  /** Who decided on it; null until somebody has. */
  reviewers: readonly Reviewer[] | null;
  /** It ran already, changed more than it may, and was taken back: an approval of it is for one run. */
  exceeded: boolean;
  waitMs: number;
  analysisMs: number;
  /** Milliseconds of a monotonic clock when it was forwarded. */
  startedMs: number;
  rows: number;
  bytes: number;
  /** How its rows leave; null until the server has described them. */
  plan: ResultPlan | null;
  /** When the server first answered, on the clock of startedMs; null while it has not. */
  answeredMs: number | null;
  /** Spent on masking its rows. */
  maskingMs: number;
  /** Takes down its rows as they leave; null where they are not recorded. */
  recording: ResultRecording | null;
  /** Its rows were not released. */
  withheld: boolean;
  /** It stands only if it changes no more rows than each of these. An approval may add one before it runs. */
  affectedLimits: readonly AffectedLimit[];
  /** How much of its result may leave, rows and bytes on the wire; Infinity where nothing limits it. */
  maxRows: number;
  maxBytes: number;
  /** What the client is told where its result is cut; absent: the limit of its connection. */
  cutBy?: () => WireError;
  /** Counts the masked values it shows; null where they have no budget. */
  seen: Usage | null;
  /** The error that took the place of the rest of its result. */
  cut: WireError | null;
  /** Set while the rows it changes are counted: its outcome waits for the count. */
  measured: Measured | null;
  ended: boolean;
  /** Once it has run, others must not be judged by the catalog as it was. */
  dirtiesCatalog: boolean;
  /** What its success does to the session's names. */
  onComplete?: () => void;
}

/** What is known of the rows that a run changed. */
export interface Measured {
  /** Rows its transaction had changed when it began and when it was done; null where the server does not count. */
  before: number | null;
  after: number | null;
  /** PostgreSQL's word for it once it is done. */
  tag: string | null;
}

/** What every entry of a session says of who asks and from where. */
export interface SessionFacts {
  id: string;
  principal: Principal;
  connectionName: string;
  clientAddress: string;
  applicationName: string;
  /** Who it is by a provider's word; absent or null where a token of ours says it alone. */
  identity?: TokenIdentity | null;
}

export function newExecution(
  judged: JudgedStatement,
  details: {
    protocol: Execution['protocol'];
    parameters: readonly ParameterValue[];
    analysisMs: number;
    runOf?: string | null;
    requestId?: string | null;
    waitMs?: number;
  },
): Execution {
  return {
    id: newId('stm'),
    judged,
    protocol: details.protocol,
    parameters: details.parameters,
    runOf: details.runOf ?? null,
    requestId: details.requestId ?? null,
    grantId: null,
    breakGlass: null,
    reviewers: null,
    exceeded: false,
    waitMs: details.waitMs ?? 0,
    analysisMs: details.analysisMs,
    startedMs: performance.now(),
    rows: 0,
    bytes: 0,
    plan: null,
    answeredMs: null,
    maskingMs: 0,
    recording: null,
    withheld: false,
    affectedLimits: judged.verdict.affectedLimits ?? [],
    maxRows: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    seen: null,
    cut: null,
    measured: null,
    ended: false,
    dirtiesCatalog: false,
  };
}

/** The entry that is written before anything is forwarded. */
export function intentOf(
  execution: Execution,
  session: SessionFacts,
  now: { atMs: number; policyVersion: number; transactionStatus: TransactionStatus; transactionId: string | null },
  status: StatementStatus,
  sqlstate: string | null = null,
): StatementEntry {
  const statement = recordedAs(execution.judged);
  return {
    type: 'statement',
    id: execution.id,
    sessionId: session.id,
    principalName: session.principal.name,
    ownerName: session.principal.owner?.name ?? null,
    connectionName: session.connectionName,
    clientAddress: session.clientAddress,
    applicationName: session.applicationName,
    atMs: now.atMs,
    kind: statement.kind,
    sql: statement.sql,
    rewritten: statement.rewritten,
    executes: statement.executes,
    fingerprint: statement.fingerprint,
    shape: statement.shape,
    touchedColumns: statement.touchedColumns,
    runOf: execution.runOf,
    transactionId: now.transactionId,
    protocol: execution.protocol,
    parameters: execution.parameters,
    relations: statement.relations,
    effects: statement.effects,
    unbounded: statement.unbounded,
    verdict: statement.verdict,
    rule: statement.rule,
    why: statement.why,
    tried: statement.tried,
    policyVersion: now.policyVersion,
    requestId: execution.requestId,
    grantId: execution.grantId,
    breakGlass: execution.breakGlass,
    reviewers: execution.reviewers ?? undefined,
    status,
    sqlstate,
    analysisMs: execution.analysisMs,
    transactionStatus: now.transactionStatus,
  };
}

/** A wide star names every column of every table it may mean. */
const MAX_TOUCHED_COLUMNS = 1_000;

/** Made once, and kept with the statement. */
export function recordedAs(judged: JudgedStatement): RecordedStatement {
  if (judged.recorded?.of === judged) return judged.recorded;
  const { facts, verdict, relations } = judged;
  judged.recorded = {
    kind: facts.kind,
    sql: facts.text,
    rewritten: judged.rewritten?.text ?? null,
    executes: judged.executes ?? null,
    fingerprint: facts.fingerprint,
    shape: shapeOf(facts.text),
    touchedColumns: (judged.columns ?? []).slice(0, MAX_TOUCHED_COLUMNS),
    relations,
    effects: [...facts.effects],
    unbounded: facts.unboundedWrites.length > 0,
    verdict: verdict.action,
    rule: verdict.rule,
    why: verdict.why,
    tried: verdict.tried,
    ...newPart(),
    of: judged,
  };
  return judged.recorded;
}

/** The entry that closes it; null when it was closed before, so that an outcome is never recorded twice. */
export function outcomeOf(
  execution: Execution,
  status: StatementStatus,
  atMs: number,
  sqlstate: string | null = null,
): OutcomeEntry | null {
  if (execution.ended) return null;
  execution.ended = true;
  const detected = execution.plan?.kind === 'mask' ? (execution.plan.hits?.take() ?? []) : [];
  return {
    type: 'outcome',
    id: execution.id,
    status,
    rows: execution.rows,
    bytes: execution.bytes,
    durationMs: performance.now() - execution.startedMs,
    waitMs: execution.waitMs,
    atMs,
    ...(execution.answeredMs === null ? {} : { upstreamMs: execution.answeredMs - execution.startedMs }),
    ...(execution.maskingMs === 0 ? {} : { maskingMs: execution.maskingMs }),
    ...(sqlstate === null ? {} : { sqlstate }),
    ...approvalOf(execution),
    ...maskedColumnsOf(execution),
    ...(detected.length === 0 ? {} : { detected }),
  };
}

/** What an outcome says of the approval, with its reviewers. */
export const approvalOf = ({ requestId, reviewers }: Execution): Pick<OutcomeEntry, 'requestId' | 'reviewers'> => ({
  ...(requestId === null ? {} : { requestId }),
  ...(reviewers === null ? {} : { reviewers }),
});

/** Another run of what was released once runs for the same reason. */
export function releasedAs(execution: Execution, released: Execution): void {
  execution.requestId = released.requestId;
  execution.grantId = released.grantId;
  execution.breakGlass = released.breakGlass;
  execution.reviewers = released.reviewers;
}

/** What the gateway masks in the rows, and what the server did for it. */
function maskedColumnsOf({ plan, judged, withheld }: Execution): { maskedColumns?: readonly string[] } {
  const byGateway = plan?.kind === 'mask' ? plan.columns : [];
  const byServer = withheld ? [] : (judged.rewritten?.columns ?? []);
  return plan?.kind === 'mask' || byServer.length > 0 ? { maskedColumns: [...new Set([...byGateway, ...byServer])] } : {};
}
