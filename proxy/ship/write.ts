import pg, { type Client } from 'pg';
import { type SilenceWatch, watchSilence } from '../../db/silence';
import type { Batch, Outcome } from './batch';
import { copyIn, PIECE_BYTES } from './copyIn';
import { CopyRows, storable, storableJson } from './copyRows';
import { dayOf } from './days';
import { type Dimensions, openDimensions } from './dimensions';
import { countHours } from './hours';
import { OpenStatements, writeOutcomes } from './outcomes';
import { type DayTable, makePartitions, partitionName } from './partitions';
import { putOutcome, STATEMENT_COLUMNS, VALUE_COLUMNS } from './statementRow';

const RESULT_COLUMNS = ['statement_id', 'at', 'node', 'log_index', 'columns', 'truncated', 'key_id', 'box'];
const TRANSACTION_COLUMNS = ['id', 'at', 'session_id', 'outcome', 'statements', 'node', 'log_index'];
const FAILURE_COLUMNS = ['node', 'log_index', 'at', 'principal_name', 'connection_name', 'client_address', 'sqlstate', 'reason'];

/** No batch takes as long. */
const STATEMENT_TIMEOUT_MS = 60_000;
const SILENCE_MS = STATEMENT_TIMEOUT_MS + 10_000;

/** What one connection to the store knows of it between batches. */
export interface Writer {
  client: Client;
  silence: SilenceWatch;
  dimensions: Dimensions;
  open: OpenStatements;
  /** UTC days whose partitions are there. */
  days: Set<string>;
  /** Rows that this connection wrote to each. */
  written: Map<string, number>;
}

/** @throws Error when the store does not answer */
export async function openWriter(storeUrl: string): Promise<Writer> {
  const client = new pg.Client({ connectionString: storeUrl, application_name: 'gatehouse shipper', connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    // A crash of the store may take back the last moments, rows and what claimed them together: they are written again.
    await client.query(`set synchronous_commit = off; set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set client_min_messages = warning`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    client,
    silence: watchSilence(client, SILENCE_MS),
    dimensions: openDimensions(),
    open: new OpenStatements(),
    days: new Set(),
    written: new Map(),
  };
}

/** The log of a node was copied by somebody else meanwhile: what this process knows of the store is old. */
export class MovedError extends Error {}

/** What makes a batch be written once: done in its transaction, before its rows. @throws MovedError where somebody else wrote them */
export type Claim = (client: Client) => Promise<void>;

/**
 * Writes a batch in one transaction.
 *
 * @throws what `claim` throws, or the server's error; nothing is written then
 */
export async function writeBatch(writer: Writer, batch: Batch, claim: Claim): Promise<void> {
  const { client } = writer;
  await writer.dimensions.sources(client, batch.sources);
  await writer.dimensions.forms(client, batch.forms);
  const maskIds = await writer.dimensions.masks(client, masksOf(batch));
  const maskOf = ({ maskedColumns }: Outcome) => (maskedColumns === null || maskedColumns.length === 0 ? null : maskIds(maskedColumns));
  for (const day of daysOf(batch)) {
    if (writer.days.has(day)) continue;
    await makePartitions(client, day);
    writer.days.add(day);
  }
  await client.query('begin');
  try {
    await claim(client);
    await copyByDay(writer, 'statements', STATEMENT_COLUMNS, batch.statements, (rows, one) => {
      rows.fieldsOf(batch.recorded, one.from, one.to);
      putOutcome(rows, one, maskOf(one.outcome));
    });
    for (const [day, pieces] of batch.values.ends()) await copyIn(client, copyOf('statement_values', day, VALUE_COLUMNS), pieces.values());
    await countHours(client, batch.statements);
    await writeOutcomes(client, batch.outcomes, maskOf, writer.open);
    await copyByDay(writer, 'recorded_results', RESULT_COLUMNS, batch.results, (rows, one) => {
      rows.text(one.statementId);
      rows.instant(one.atMs);
      rows.text(batch.node);
      rows.int8(one.logIndex);
      rows.json(one.columns);
      rows.bool(one.truncated);
      rows.text(one.sealed?.keyId ?? null);
      rows.bytea(one.sealed?.box ?? null);
    });
    await copyByDay(writer, 'transactions', TRANSACTION_COLUMNS, batch.transactions, (rows, one) => {
      rows.text(one.id);
      rows.instant(one.atMs);
      rows.text(one.sessionId);
      rows.text(one.outcome);
      rows.int4(one.statements);
      rows.text(batch.node);
      rows.int8(one.logIndex);
    });
    await copyByDay(writer, 'sign_in_failures', FAILURE_COLUMNS, batch.signInFailures, (rows, one) => {
      rows.text(batch.node);
      rows.int8(one.logIndex);
      rows.instant(one.atMs);
      rows.text(one.principalName);
      rows.text(one.connectionName);
      rows.text(one.clientAddress);
      rows.text(one.sqlstate);
      rows.text(one.reason);
    });
    await writeSessions(client, batch);
    await writeGaps(client, batch);
    if (batch.statements.length + batch.outcomes.size > 0)
      await client.query("select pg_notify('gatehouse_statements', $1)", [String(batch.statements.length)]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
  // Only what is committed is known.
  for (const one of batch.statements)
    if (one.outcome.status === 'running' || one.outcome.status === 'held') writer.open.began(one.id, one.atMs);
  for (const [id, { status }] of batch.outcomes) if (status !== 'running' && status !== 'held') writer.open.ended(id);
  const days = new Map<string, number>();
  for (const { atMs } of batch.statements) days.set(dayOf(atMs), (days.get(dayOf(atMs)) ?? 0) + 1);
  for (const [day, rows] of days) await lookAtDay(writer, day, rows);
}

/** Fewer rows are read in no time, and say little. */
const ROWS_TO_LOOK_AT = 1_000;

/**
 * Of a day that began a moment ago PostgreSQL has no statistics until autovacuum comes by: it takes an id to be that of many rows, and would
 * read the whole day for each few outcomes. It is told once, as soon as there are some rows.
 */
async function lookAtDay({ client, written }: Writer, day: string, rows: number): Promise<void> {
  const before = written.get(day) ?? 0;
  written.set(day, before + rows);
  if (before >= ROWS_TO_LOOK_AT || before + rows < ROWS_TO_LOOK_AT) return;
  const table = partitionName('statements', day);
  const { rowCount } = await client.query('select from pg_class where oid = to_regclass($1) and reltuples < 0', [table]);
  if (rowCount === 1) await client.query(`analyze ${table} (id)`);
}

/** Moves the node's position from the batch's start to its end. The row is locked, so that two processes copy one log one after the other. */
export const movePosition =
  (batch: Batch, logSize: number): Claim =>
  async (client) => {
    const { rowCount } = await client.query(
      'update ship_positions set next_index = $3, log_size = $4, at = now() where node = $1 and next_index = $2',
      [batch.node, batch.from, batch.next, logSize],
    );
    if (rowCount !== 1) throw new MovedError('the log was copied by another process meanwhile');
  };

function daysOf(batch: Batch): Set<string> {
  const days = new Set<string>();
  for (const list of [batch.statements, batch.results, batch.transactions, batch.signInFailures])
    for (const { atMs } of list) days.add(dayOf(atMs));
  return days;
}

/** The lists of masked columns that a batch names. */
function masksOf(batch: Batch): Set<readonly string[]> {
  const lists = new Set<readonly string[]>();
  const add = ({ maskedColumns }: Outcome) => {
    if (maskedColumns !== null && maskedColumns.length > 0) lists.add(maskedColumns);
  };
  for (const { outcome } of batch.statements) add(outcome);
  for (const outcome of batch.outcomes.values()) add(outcome);
  return lists;
}

/** COPY goes to the partitions themselves: PostgreSQL then writes many rows at once. */
async function copyByDay<T extends { atMs: number }>(
  { client }: Writer,
  table: DayTable,
  columns: readonly string[],
  list: readonly T[],
  put: (rows: CopyRows, one: T) => void,
): Promise<void> {
  for (const day of new Set(list.map(({ atMs }) => dayOf(atMs))))
    await copyIn(client, copyOf(table, day, columns), piecesOf(day, columns.length, list, put));
}

const copyOf = (table: DayTable, day: string, columns: readonly string[]): string =>
  `copy ${partitionName(table, day)} (${columns.join(', ')}) from stdin with (format binary)`;

/** The rows of one day, made as they are sent. */
function* piecesOf<T extends { atMs: number }>(
  day: string,
  columns: number,
  list: readonly T[],
  put: (rows: CopyRows, one: T) => void,
): Generator<Buffer, void> {
  const from = Date.parse(`${day}T00:00:00Z`);
  const to = from + 86_400_000;
  const rows = new CopyRows(columns);
  for (const one of list) {
    if (one.atMs < from || one.atMs >= to) continue;
    rows.row();
    put(rows, one);
    if (rows.length >= PIECE_BYTES) yield rows.take();
  }
  yield rows.end();
}

/** The worker makes the session's row when it lets the client in; the log adds what it alone knows, and closes what nobody else did. */
async function writeSessions(client: Client, batch: Batch): Promise<void> {
  if (batch.sessionsOpened.length > 0)
    await client.query(
      `insert into sessions as s (id, gateway_id, worker_id, principal_id, principal_name, owner_name, connection_name, client_address,
         application_name, started_at, method, encrypted, identity, node, open_index)
       select id, $2, coalesce(worker, ''), '', principal, owner, connection, address, app, to_timestamp(at_ms / 1000.0), method, encrypted, identity, $2, log_index
       from jsonb_to_recordset($1::jsonb) as o(id text, worker text, principal text, owner text, connection text, address text, app text,
         at_ms double precision, method text, encrypted boolean, identity jsonb, log_index bigint)
       order by id
       on conflict (id) do update set method = excluded.method, encrypted = excluded.encrypted, identity = excluded.identity,
         node = excluded.node, open_index = excluded.open_index`,
      [
        storableJson(
          batch.sessionsOpened.map(({ id, atMs, entry, journal, logIndex }) => ({
            id,
            worker: journal,
            principal: entry.principalName ?? '',
            owner: entry.ownerName ?? null,
            connection: entry.connectionName ?? '',
            address: entry.clientAddress ?? '',
            app: entry.applicationName ?? '',
            at_ms: atMs,
            method: entry.method ?? null,
            encrypted: entry.encrypted ?? null,
            identity: entry.identity ?? null,
            log_index: logIndex,
          })),
        ),
        batch.node,
      ],
    );
  if (batch.sessionsClosed.length > 0)
    await client.query(
      `update sessions s set ended_at = coalesce(s.ended_at, to_timestamp(c.at_ms / 1000.0)), end_reason = coalesce(s.end_reason, c.reason),
         statements_run = c.statements, bytes_in = c.bytes_in, bytes_out = c.bytes_out, close_index = c.log_index
       from jsonb_to_recordset($1::jsonb) as c(id text, at_ms double precision, reason text, statements bigint, bytes_in bigint, bytes_out bigint,
         log_index bigint)
       where s.id = c.id`,
      [
        storableJson(
          batch.sessionsClosed.map(({ id, atMs, entry, logIndex }) => ({
            id,
            at_ms: atMs,
            reason: entry.reason ?? null,
            statements: entry.statements ?? null,
            bytes_in: entry.bytesIn ?? null,
            bytes_out: entry.bytesOut ?? null,
            log_index: logIndex,
          })),
        ),
      ],
    );
}

async function writeGaps(client: Client, batch: Batch): Promise<void> {
  for (const { logIndex, atMs, kind, why } of batch.gaps)
    await client.query(
      `insert into record_gaps (node, log_index, at, kind, why) values ($1, $2, to_timestamp($3::float8 / 1000), $4, $5) on conflict do nothing`,
      [batch.node, logIndex, atMs, kind, storable(why)],
    );
}
