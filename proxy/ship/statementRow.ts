import type { SealedValues } from '../record/leaf';
import type { NewStatement, Recorded } from './batch';
import { PIECE_BYTES } from './copyIn';
import { type CopyFields, CopyRows } from './copyRows';
import { dayOf } from './days';

/** Of a row of `statements` (db/schema/audit.ts), in the order of `putRecorded` and, behind them, of `putOutcome`. */
const RECORDED_COLUMNS = [
  ...['id', 'at', 'session_id', 'client_port', 'verdict', 'rule', 'policy_version', 'transaction_status', 'transaction_id', 'run_of'],
  ...['grant_id', 'broke_glass', 'analysis_ms', 'log_index', 'words'],
];
const OUTCOME_COLUMNS = [
  ...['source_id', 'form_id', 'status', 'sqlstate', 'request_id', 'rows', 'bytes', 'mask_id', 'detected', 'duration_ms', 'wait_ms'],
  ...['upstream_ms', 'masking_ms', 'outcome_index', 'reviewers'],
];
export const STATEMENT_COLUMNS: readonly string[] = [...RECORDED_COLUMNS, ...OUTCOME_COLUMNS];

/** What no outcome changes. It is bytes from the moment it is read: a batch of objects would be moved in memory again and again. */
export function putRecorded(fields: CopyFields, one: Recorded): void {
  fields.text(one.id);
  fields.instant(one.atMs);
  fields.text(one.sessionId);
  fields.int4(one.clientPort);
  fields.text(one.verdict);
  fields.text(one.rule);
  fields.int8(one.policyVersion);
  fields.text(one.transactionStatus);
  fields.text(one.transactionId);
  fields.text(one.runOf);
  fields.text(one.grantId);
  fields.bool(one.brokeGlass);
  fields.float4(one.analysisMs);
  fields.int8(one.logIndex);
  fields.words(one.words);
}

/** What is known when the batch is written. */
export function putOutcome(fields: CopyFields, { source, form, outcome }: NewStatement, maskId: number | null): void {
  fields.int8(source.rowId);
  fields.int8(form.rowId);
  fields.text(outcome.status);
  fields.text(outcome.sqlstate);
  fields.text(outcome.requestId);
  fields.int8(outcome.rows);
  fields.int8(outcome.bytes);
  fields.int8(maskId);
  fields.json(outcome.detected !== null && outcome.detected.length > 0 ? outcome.detected : null);
  fields.float4(outcome.durationMs);
  fields.float4(outcome.waitMs);
  fields.float4(outcome.upstreamMs);
  fields.float4(outcome.maskingMs);
  fields.int8(outcome.outcomeIndex);
  fields.json(outcome.reviewers);
}

export const VALUE_COLUMNS = ['id', 'at', 'key_id', 'box'];

/** Rows of `statement_values` by UTC day, in pieces as they are sent: a box is copied once, and what it was read from is let go. */
export class ValueRows {
  readonly #days = new Map<string, { rows: CopyRows; pieces: Buffer[] }>();

  add(id: string, atMs: number, { keyId, box }: SealedValues): void {
    const day = dayOf(atMs);
    let ofDay = this.#days.get(day);
    if (ofDay === undefined) {
      ofDay = { rows: new CopyRows(VALUE_COLUMNS.length), pieces: [] };
      this.#days.set(day, ofDay);
    }
    const { rows, pieces } = ofDay;
    rows.row();
    rows.text(id);
    rows.instant(atMs);
    rows.text(keyId);
    rows.bytea(box);
    if (rows.length >= PIECE_BYTES) pieces.push(rows.take());
  }

  /** The whole COPY of each day, once. */
  *ends(): Generator<[day: string, pieces: Buffer[]]> {
    for (const [day, { rows, pieces }] of this.#days) yield [day, [...pieces, rows.end()]];
    this.#days.clear();
  }
}
