import type { Action, Detected, RelationUse, Reviewer, StatementStatus } from '../../db/schema/shapes';
import type { Fields, Leaf, LogRecord, SealedValues } from '../record/leaf';
import { createPartsReader, outcomeIn, type StatementParts } from '../record/leafParts';
import { Alike } from './alike';
import { CopyFields } from './copyRows';
import { actionOf, countOrNull, detectedOf, instantOrNull, numberOrNull, reviewersOf, statusOf, textOf, textOrNull, textsOf } from './read';
import { putRecorded, ValueRows } from './statementRow';

/** Who asks from where: `statement_sources`. */
export interface Source {
  /** Of its row; 0 until the store has said it (dimensions.ts). */
  rowId: number;
  node: string;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  applicationName: string;
  clientHost: string;
}

/** A statement without its constants: `statement_forms`. */
export interface Form {
  /** As a source's. */
  rowId: number;
  kind: string;
  shape: string;
  fingerprint: string;
  protocol: string;
  relations: RelationUse[];
  columns: string[];
  effects: string[];
  unbounded: boolean | null;
}

/** What an outcome says; null keeps what was recorded before. */
export interface Outcome {
  status: StatementStatus;
  sqlstate: string | null;
  requestId: string | null;
  reviewers: Reviewer[] | null;
  rows: number | null;
  bytes: number | null;
  maskedColumns: string[] | null;
  detected: Detected[] | null;
  durationMs: number | null;
  waitMs: number | null;
  upstreamMs: number | null;
  maskingMs: number | null;
  outcomeIndex: number | null;
}

/** What a statement's leaf says, and no outcome changes. */
export interface Recorded {
  id: string;
  atMs: number;
  sessionId: string;
  clientPort: number | null;
  verdict: Action;
  rule: string | null;
  policyVersion: number;
  transactionStatus: string;
  transactionId: string | null;
  runOf: string | null;
  grantId: string | null;
  brokeGlass: boolean;
  analysisMs: number | null;
  /** Null: it is in no log. */
  logIndex: number | null;
  words: Buffer;
}

/** A statement of a batch: what outcomes and counts need of it, and where the rest of its row stands. */
export interface NewStatement extends Pick<Recorded, 'id' | 'atMs' | 'verdict' | 'rule'> {
  source: Source;
  form: Form;
  outcome: Outcome;
  /** Of its fields in the batch's `recorded`. */
  from: number;
  to: number;
}

export interface NewResult {
  statementId: string;
  atMs: number;
  logIndex: number;
  columns: unknown;
  truncated: boolean;
  sealed: SealedValues | null;
}

/** What a run of the log says, sorted by where it goes in the store. */
export interface Batch {
  node: string;
  from: number;
  next: number;
  statements: NewStatement[];
  /** What is recorded of them, as fields of their rows (statementRow.ts), one behind the other. */
  recorded: CopyFields;
  values: ValueRows;
  /** Those of its statements, each once. */
  sources: Source[];
  forms: Form[];
  /** Outcomes of statements of earlier batches, by id. */
  outcomes: Map<string, Outcome>;
  results: NewResult[];
  transactions: { id: string; atMs: number; sessionId: string; outcome: string; statements: number; logIndex: number }[];
  signInFailures: {
    atMs: number;
    principalName: string;
    connectionName: string;
    clientAddress: string;
    sqlstate: string;
    reason: string;
    logIndex: number;
  }[];
  sessionsOpened: { id: string; atMs: number; entry: Fields; journal: string | null; logIndex: number }[];
  sessionsClosed: { id: string; atMs: number; entry: Fields; logIndex: number }[];
  gaps: { atMs: number; kind: 'damage' | 'refused'; why: string; logIndex: number }[];
}

/** Erased in the log before it came here. */
const ERASED: SealedValues = { keyId: '', box: Buffer.alloc(0) };
/** Characters of a name that whoever could not sign in may have made up. */
const MOST_SAID = 500;

type PartsReader = ReturnType<typeof createPartsReader>;

/** Sorts entries of the log as they are read, so that of an entry no more is kept than the store gets. */
export class BatchBuilder {
  readonly batch: Batch;
  readonly #byId = new Map<string, NewStatement>();
  readonly #alike: Alike;
  readonly #partsOf: PartsReader;
  readonly #isLog: boolean;

  /**
   * @param options.partsOf knows what earlier batches had in common
   * @param options.isLog entries have their places in a log
   */
  constructor(
    node: string,
    from: number,
    { partsOf = createPartsReader(), isLog = true }: { partsOf?: PartsReader; isLog?: boolean } = {},
  ) {
    this.#alike = new Alike(node);
    this.#partsOf = partsOf;
    this.#isLog = isLog;
    const { sources, forms } = this.#alike;
    this.batch = {
      node,
      from,
      next: from,
      statements: [],
      recorded: new CopyFields(),
      values: new ValueRows(),
      sources,
      forms,
      outcomes: new Map(),
      results: [],
      transactions: [],
      signInFailures: [],
      sessionsOpened: [],
      sessionsClosed: [],
      gaps: [],
    };
  }

  /** An intent and its outcome in one batch become one row. */
  add(record: LogRecord): void {
    const text = record.bytes.toString();
    const parts = this.#partsOf(text, record.bytes);
    const outcome = parts === null ? outcomeIn(text) : null;
    if (parts !== null) this.#addStatement(record, parts);
    else if (outcome !== null) this.#addOutcome(record, outcome);
    else this.#addEntry(record);
    this.batch.next = record.index + 1;
  }

  /** Entries from here to `next` are none of the store's. */
  passOver(next: number, gap: Batch['gaps'][number]): void {
    this.batch.gaps.push(gap);
    this.batch.next = next;
  }

  #addStatement(record: LogRecord, parts: StatementParts): void {
    const atMs = instantOrNull(parts.own.atMs);
    if (atMs === null) return refuse(this.batch, record, 'a statement without a time');
    const id = textOf(parts.own.id);
    // The same statement twice is one statement: the first is what was recorded before it ran.
    if (this.#byId.has(id)) return;
    const { own, who, what, how } = parts;
    const { source, clientPort } = this.#alike.originOf(who);
    const { recorded, statements, values } = this.batch;
    const from = recorded.length;
    const [verdict, rule] = [actionOf(what.verdict), textOrNull(what.rule)];
    putRecorded(recorded, {
      id,
      atMs,
      sessionId: textOf(who.sessionId),
      clientPort,
      verdict,
      rule,
      policyVersion: countOrNull(how.policyVersion) ?? 0,
      transactionStatus: textOf(own.transactionStatus),
      transactionId: textOrNull(own.transactionId),
      runOf: textOrNull(own.runOf),
      grantId: textOrNull(how.grantId),
      brokeGlass: parts.brokeGlass,
      analysisMs: numberOrNull(own.analysisMs),
      logIndex: this.#isLog ? record.index : null,
      words: record.words,
    });
    const sealed = record.sealed ?? (parts.hasValues ? ERASED : null);
    if (sealed !== null) values.add(id, atMs, sealed);
    // What is known of its end when it is recorded: it runs, is held, or was denied.
    const outcome = outcomeOf(how, null);
    const statement = { id, atMs, verdict, rule, source, form: this.#alike.formOf(parts), outcome, from, to: recorded.length };
    this.#byId.set(id, statement);
    statements.push(statement);
  }

  #addOutcome({ index }: LogRecord, entry: Fields): void {
    const id = textOf(entry.id);
    const outcome = outcomeOf(entry, index);
    const known = this.#byId.get(id)?.outcome ?? this.batch.outcomes.get(id);
    if (known === undefined) this.batch.outcomes.set(id, outcome);
    else takeOutcome(known, outcome);
  }

  #addEntry(record: LogRecord): void {
    const { batch } = this;
    const { leaf, index: logIndex } = record;
    const entry = leaf.entry;
    const id = textOf(entry.id);
    const atMs = instantOrNull(entry.atMs);
    switch (entry.type) {
      case 'statement':
        return this.#addStatement(record, wholeOf(leaf));
      case 'outcome':
        return this.#addOutcome(record, entry);
      case 'result':
        if (atMs === null) return refuse(batch, record, 'a result without a time');
        batch.results.push({
          statementId: id,
          atMs,
          logIndex,
          columns: entry.columns ?? null,
          truncated: entry.truncated === true,
          sealed: keptOf(record.sealed) ?? (leaf.values === undefined ? null : ERASED),
        });
        return;
      case 'transaction':
        if (atMs === null) return refuse(batch, record, 'a transaction without a time');
        batch.transactions.push({
          id,
          atMs,
          sessionId: textOf(entry.sessionId),
          outcome: entry.outcome === 'committed' || entry.outcome === 'rolledBack' ? entry.outcome : 'unknown',
          statements: Math.min(countOrNull(entry.statements) ?? 0, 2_147_483_647),
          logIndex,
        });
        return;
      case 'sessionOpen':
        batch.sessionsOpened.push({ id, atMs: atMs ?? 0, entry, journal: leaf.journal, logIndex });
        return;
      case 'sessionClose':
        batch.sessionsClosed.push({ id, atMs: atMs ?? 0, entry, logIndex });
        return;
      case 'signInFailed':
        if (atMs === null) return refuse(batch, record, 'a failed sign-in without a time');
        batch.signInFailures.push({
          atMs,
          principalName: textOf(entry.principalName).slice(0, MOST_SAID),
          connectionName: textOf(entry.connectionName).slice(0, MOST_SAID),
          clientAddress: textOf(entry.clientAddress),
          sqlstate: textOf(entry.sqlstate),
          reason: textOf(entry.reason),
          logIndex,
        });
        return;
      case 'damage': {
        const where = `segment ${String(entry.segment)}, bytes ${String(entry.fromByte)} to ${String(entry.toByte)}`;
        batch.gaps.push({ atMs: atMs ?? 0, kind: 'damage', why: `${leaf.journal ?? 'journal'}, ${where}: ${textOf(entry.why)}`, logIndex });
        return;
      }
      case 'action':
      case 'checkpoint':
      case 'start':
        // Whoever made them has them in tables of their own.
        return;
      default:
        entry.type satisfies never;
        // Of a newer version: it stays in the log.
        return refuse(batch, record, `an entry of an unknown type: ${textOf(entry.type).slice(0, 50)}`);
    }
  }
}

/** By itself: it was read as a part of something larger. */
const keptOf = (sealed: SealedValues | null): SealedValues | null => sealed && { keyId: sealed.keyId, box: Buffer.from(sealed.box) };

function refuse(batch: Batch, record: LogRecord, why: string): void {
  batch.gaps.push({ atMs: instantOrNull(record.leaf.entry.atMs) ?? 0, kind: 'refused', why, logIndex: record.index });
}

/** A leaf that cannot be read by its parts: each of them is the whole. */
function wholeOf({ entry, values }: Leaf): StatementParts {
  return { own: entry, who: entry, what: entry, how: entry, hasValues: values !== undefined, brokeGlass: values?.breakGlass !== undefined };
}

function outcomeOf(entry: Fields, outcomeIndex: number | null): Outcome {
  return {
    status: statusOf(entry.status),
    sqlstate: textOrNull(entry.sqlstate),
    requestId: textOrNull(entry.requestId),
    reviewers: reviewersOf(entry.reviewers),
    rows: countOrNull(entry.rows),
    bytes: countOrNull(entry.bytes),
    maskedColumns: entry.maskedColumns === undefined ? null : textsOf(entry.maskedColumns),
    detected: entry.detected === undefined ? null : detectedOf(entry.detected),
    durationMs: numberOrNull(entry.durationMs),
    waitMs: numberOrNull(entry.waitMs),
    upstreamMs: numberOrNull(entry.upstreamMs),
    maskingMs: numberOrNull(entry.maskingMs),
    outcomeIndex,
  };
}

/** Later outcomes of one statement (held, then running, then done) win field by field. */
export function takeOutcome(earlier: Outcome, later: Outcome): void {
  earlier.status = later.status;
  earlier.sqlstate = later.sqlstate ?? earlier.sqlstate;
  earlier.requestId = later.requestId ?? earlier.requestId;
  earlier.reviewers = later.reviewers ?? earlier.reviewers;
  earlier.rows = later.rows ?? earlier.rows;
  earlier.bytes = later.bytes ?? earlier.bytes;
  earlier.maskedColumns = later.maskedColumns ?? earlier.maskedColumns;
  earlier.detected = later.detected ?? earlier.detected;
  earlier.durationMs = later.durationMs ?? earlier.durationMs;
  earlier.waitMs = later.waitMs ?? earlier.waitMs;
  earlier.upstreamMs = later.upstreamMs ?? earlier.upstreamMs;
  earlier.maskingMs = later.maskingMs ?? earlier.maskingMs;
  earlier.outcomeIndex = later.outcomeIndex ?? earlier.outcomeIndex;
}
