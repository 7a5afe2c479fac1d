import { randomBytes } from 'node:crypto';
import type { Detected, ParameterValue, RelationUse, RuleTrial } from '../../db/schema/shapes';
import type { StatementEntry } from '../journal/entries';
import { StoredRecord } from '../record/leaf';
import { textOf } from '../record/leafText';
import { sealEntry } from '../record/seal';
import type { Keyring } from '../record/valueKeys';
import { shapeOf } from '../sql/shape';
import { BatchBuilder } from './batch';
import { dayOf } from './days';
import { actionOf, numberOrNull, statusOf } from './read';
import { MovedError, openWriter, writeBatch } from './write';

const AT_A_TIME = 500;
const NO_WORDS = Buffer.alloc(0);

/** A row of `statements` as earlier versions wrote it. */
interface EarlierStatement {
  id: string;
  session_id: string;
  principal_name: string;
  owner_name: string | null;
  connection_name: string;
  client_address: string;
  application_name: string;
  at: Date;
  kind: string;
  sql: string;
  rewritten: string | null;
  fingerprint: string;
  protocol: string;
  parameters: ParameterValue[];
  relations: RelationUse[];
  effects: string[];
  unbounded: boolean | null;
  verdict: string;
  rule: string | null;
  why: string;
  tried: RuleTrial[];
  policy_version: string;
  request_id: string | null;
  grant_id: string | null;
  break_glass: string | null;
  status: string;
  rows: string | null;
  bytes: string | null;
  sqlstate: string | null;
  masked_columns: string[];
  detected: Detected[];
  duration_ms: number | null;
  analysis_ms: number | null;
  wait_ms: number | null;
  transaction_status: string;
}

/**
 * Takes what versions without a log recorded out of `statements_before`, where values stand in the clear, seals it and writes it as
 * everything else: each row is deleted in the transaction that writes it anew, so none is lost or doubled. When the last is gone, so is the
 * table, and with it the clear text.
 *
 * @returns how many there were, once nothing is left @throws Error when the store does not answer: it goes on where it was
 */
export async function carryEarlier(options: { storeUrl: string; keyring: Keyring; wordKey: Buffer; stopped(): boolean }): Promise<number> {
  const writer = await openWriter(options.storeUrl);
  const { client } = writer;
  let carried = 0;
  try {
    while (!options.stopped()) {
      const there = await client.query<{ there: boolean }>("select to_regclass('statements_before') is not null as there");
      if (there.rows[0]?.there !== true) return carried;
      const { rows } = await client.query<EarlierStatement>('select * from statements_before order by id limit $1', [AT_A_TIME]);
      if (rows.length === 0) {
        await client.query('drop table if exists statements_before');
        return carried;
      }
      const builder = new BatchBuilder('', 0, { isLog: false });
      for (const row of rows) {
        const entry = entryOf(row);
        const valueKey = await options.keyring.keyFor(entry.principalName, dayOf(entry.atMs));
        const { text, values } = sealEntry(entry, { node: '', journal: null, valueKey, wordKey: options.wordKey, random: randomBytes });
        builder.add(new StoredRecord(0, Buffer.from(textOf(text)), values?.sealed ?? null, values?.words ?? NO_WORDS));
      }
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const statement of builder.batch.statements) {
        const row = byId.get(statement.id);
        if (row === undefined) continue;
        const { outcome } = statement;
        outcome.rows = countOf(row.rows);
        outcome.bytes = countOf(row.bytes);
        outcome.maskedColumns = row.masked_columns;
        outcome.detected = row.detected;
        outcome.durationMs = numberOrNull(row.duration_ms);
        outcome.waitMs = numberOrNull(row.wait_ms);
      }
      const ids = rows.map((row) => row.id);
      await writeBatch(writer, builder.batch, async (tx) => {
        const { rowCount } = await tx.query('delete from statements_before where id = any($1::text[])', [ids]);
        if (rowCount !== ids.length) throw new MovedError('another gateway carried these statements over');
      });
      carried += rows.length;
    }
    return carried;
  } finally {
    await client.end().catch(() => undefined);
  }
}

const countOf = (value: string | null): number | null => (value === null ? null : Number(value));

function entryOf(row: EarlierStatement): StatementEntry {
  return {
    type: 'statement',
    id: row.id,
    sessionId: row.session_id,
    principalName: row.principal_name,
    ownerName: row.owner_name,
    connectionName: row.connection_name,
    clientAddress: row.client_address,
    applicationName: row.application_name,
    atMs: row.at.getTime(),
    kind: row.kind,
    sql: row.sql,
    rewritten: row.rewritten,
    fingerprint: row.fingerprint,
    shape: shapeOf(row.sql),
    protocol: row.protocol === 'simple' || row.protocol === 'function call' ? row.protocol : 'extended',
    parameters: row.parameters,
    relations: row.relations,
    effects: row.effects,
    ...(row.unbounded === null ? {} : { unbounded: row.unbounded }),
    verdict: actionOf(row.verdict),
    rule: row.rule,
    why: row.why,
    tried: row.tried,
    policyVersion: Number(row.policy_version),
    requestId: row.request_id,
    grantId: row.grant_id,
    breakGlass: row.break_glass,
    status: statusOf(row.status),
    sqlstate: row.sqlstate,
    analysisMs: numberOrNull(row.analysis_ms) ?? 0,
    transactionStatus: row.transaction_status,
  };
}
