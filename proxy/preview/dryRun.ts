import type pg from 'pg';
import type { HeldState, Measured, ParameterValue } from '../../db/schema/shapes';
import { qualifiedName, quoteName, quoteText } from '../sql/quote';
import { type CountedTable, type CounterRow, rowsBetween, sumOf, TABLE_COUNTERS_SQL } from './counters';
import { type Estimate, readEstimate, readTriggers } from './estimate';
import { settingsToMake } from './heldState';
import type { Cells, RawSample } from './samples';

/** Why a statement was not run for a trial, or not to its end. Nothing of it stands. */
export class NotMeasured extends Error {
  override name = 'NotMeasured';
  constructor(
    readonly kind: 'refused' | 'failed',
    readonly why: readonly string[],
  ) {
    super(why.join('; '));
  }
}

export interface DryRun {
  /** One statement that can be prepared, as it would go to the server. */
  sql: string;
  parameters: readonly ParameterValue[];
  state: HeldState;
  limits: DryRunLimits;
  /** By relation OID: the columns a sample shows. */
  columnsOf(relationOid: number): RawSample['columns'];
}

export interface DryRunLimits {
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  sampleTimeoutMs: number;
  /** EXPLAIN's estimate above which it is not tried: each row would leave a dead one behind. */
  maxRows: number;
  sampleRows: number;
  sampleTables: number;
}

export const DRY_RUN_LIMITS: DryRunLimits = {
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 1_000,
  sampleTimeoutMs: 2_000,
  maxRows: 200_000,
  sampleRows: 10,
  sampleTables: 4,
};

export interface Trial {
  durationMs: number;
  rows: number;
  tables: CountedTable[];
  triggers: Extract<Measured, { kind: 'measured' }>['triggers'];
  samples: RawSample[];
  notes: string[];
}

const STATEMENT = 'gatehouse_dry_run';
/** "GATE", "HOUS": one dry run at a time on one database, whichever gateway makes it. Given back when the connection closes. */
const ONE_AT_A_TIME = 'SELECT pg_catalog.pg_try_advisory_lock(1195463749, 1213159763) AS taken';

/**
 * Runs a statement in a transaction that is always rolled back, and says what it changed. Both clients are side connections as the role of
 * the held session; `observer` reads what others see while it runs: the rows as they were before.
 * @throws NotMeasured
 */
export async function dryRun(side: pg.ClientBase, observer: pg.ClientBase, run: DryRun): Promise<Trial> {
  const taken = await side.query<{ taken: boolean }>(ONE_AT_A_TIME);
  if (taken.rows[0]?.taken !== true)
    throw new NotMeasured('refused', ['another dry run is under way on this database; try again when it is done']);
  const { limits } = run;
  const before = performance.now();
  await side.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
  try {
    await likeItsSession(side, run.state, limits.statementTimeoutMs, limits.lockTimeoutMs);
    const execute = await prepare(side, run);
    const estimate = await explain(side, execute);
    if (estimate !== null && estimate.rows > limits.maxRows)
      throw new NotMeasured('refused', [
        `it would change about ${Math.round(estimate.rows).toLocaleString('en')} rows by the planner's estimate; above ${limits.maxRows.toLocaleString('en')} a trial would do harm by itself`,
      ]);
    const earlier = await counters(side);
    const startedMs = performance.now();
    const answer = await server(() => side.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${execute}`));
    // Deferred constraints and triggers run now, and not at a COMMIT that never comes.
    await server(() => side.query('SET CONSTRAINTS ALL IMMEDIATE'));
    const durationMs = performance.now() - startedMs;
    const tables = rowsBetween(earlier, await counters(side));
    const { samples, notes } = await readSamples({ side, observer, run, tables });
    return { durationMs, rows: sumOf(tables), tables, triggers: readTriggers(answer.rows[0]?.['QUERY PLAN']), samples, notes };
  } catch (error) {
    // A lost connection has rolled back by itself.
    if (performance.now() - before > limits.statementTimeoutMs && !(error instanceof NotMeasured))
      throw new NotMeasured('failed', [`it did not end within ${limits.statementTimeoutMs / 1_000} s`]);
    throw error;
  } finally {
    await takeBack(side);
  }
}

/** What the statement would change by EXPLAIN, in a read-only transaction that is rolled back; null where EXPLAIN does not take it. */
export async function estimateOf(
  side: pg.ClientBase,
  run: Pick<DryRun, 'sql' | 'parameters' | 'state' | 'limits'>,
): Promise<Estimate | null> {
  await side.query('BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY');
  try {
    await likeItsSession(side, run.state, run.limits.sampleTimeoutMs, run.limits.lockTimeoutMs);
    return await explain(side, await prepare(side, run));
  } finally {
    await takeBack(side);
  }
}

/** A prepared statement outlives its transaction. */
async function takeBack(side: pg.ClientBase): Promise<void> {
  await side.query('ROLLBACK').catch(() => undefined);
  await side.query('DEALLOCATE ALL').catch(() => undefined);
}

/** Settings and role of the held session, for this transaction alone; then our timeouts, which it cannot raise. */
async function likeItsSession(client: pg.ClientBase, state: HeldState, statementTimeoutMs: number, lockTimeoutMs: number): Promise<void> {
  const settings = settingsToMake(state);
  await server(async () => {
    for (const [name, value] of settings) await client.query('SELECT pg_catalog.set_config($1, $2, true)', [name, value]);
    if (state.role !== null) await client.query(`SET LOCAL ROLE ${quoteName(state.role)}`);
    await client.query(
      `SET LOCAL statement_timeout = ${statementTimeoutMs}; SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL idle_in_transaction_session_timeout = ${statementTimeoutMs * 2}`,
    );
  });
}

/** Prepares it with the types its client named; what executes it with its parameters. */
async function prepare(client: pg.ClientBase, { sql, parameters }: Pick<DryRun, 'sql' | 'parameters'>): Promise<string> {
  return server(async () => {
    const named = await client.query<{ name: string }>(
      `SELECT CASE t.oid WHEN 0 THEN 'unknown' ELSE pg_catalog.format_type(t.oid, NULL) END AS name FROM pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY t (oid, at) ORDER BY t.at`,
      [parameters.map(({ typeOid }) => typeOid)],
    );
    const types = parameters.length === 0 ? '' : ` (${named.rows.map(({ name }) => name).join(', ')})`;
    await client.query(`PREPARE ${STATEMENT}${types} AS ${sql}`);
    const values = parameters.map(({ value }) => (value === null ? 'NULL' : quoteText(value)));
    return `EXECUTE ${STATEMENT}${values.length === 0 ? '' : `(${values.join(', ')})`}`;
  });
}

async function explain(client: pg.ClientBase, execute: string): Promise<Estimate | null> {
  const answer = await server(() => client.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${execute}`));
  return readEstimate(answer.rows[0]?.['QUERY PLAN']);
}

async function counters(client: pg.ClientBase): Promise<CounterRow[]> {
  const on = await client.query<{ on: string }>(`SELECT pg_catalog.current_setting('track_counts') AS on`);
  if (on.rows[0]?.on !== 'on') throw new NotMeasured('refused', ['track_counts is off on the server, so it counts no rows']);
  return (await client.query<CounterRow>(TABLE_COUNTERS_SQL)).rows;
}

/** What the server says of a failure, by its class: the words of an error may hold values that rules mask. */
async function server<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new NotMeasured('failed', [failureWords(codeOf(error))]);
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : 'XX000';

function failureWords(code: string): string {
  switch (code) {
    case '57014':
      return 'it took longer than a trial may';
    case '55P03':
      return 'rows or tables that it needs are locked by somebody else, its own transaction perhaps';
    case '42501':
      return 'its role may not do this';
    case '40P01':
      return 'it met a deadlock';
    default:
      return code.startsWith('23') ? `it breaks a constraint and would fail (SQLSTATE ${code})` : `it would fail (SQLSTATE ${code})`;
  }
}

interface Sampling {
  side: pg.ClientBase;
  observer: pg.ClientBase;
  run: DryRun;
  tables: readonly CountedTable[];
}

async function readSamples({ side, observer, run, tables }: Sampling): Promise<Pick<Trial, 'samples' | 'notes'>> {
  const { limits, state } = run;
  const notes: string[] = [];
  const samples: RawSample[] = [];
  const id = await side.query<{ xid: string }>('SELECT pg_catalog.pg_current_xact_id()::pg_catalog.xid::pg_catalog.text AS xid');
  const xid = id.rows[0]?.xid ?? '0';
  await observer.query('BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY');
  await likeItsSession(observer, state, limits.sampleTimeoutMs, limits.lockTimeoutMs);
  await side.query(`SET LOCAL statement_timeout = ${limits.sampleTimeoutMs}`);
  for (const table of tables.slice(0, limits.sampleTables)) {
    await side.query('SAVEPOINT gatehouse_sample');
    await observer.query('SAVEPOINT gatehouse_sample');
    try {
      samples.push(await sampleOf({ side, observer, run, table, xid }));
    } catch {
      // The server's words may hold values.
      notes.push(`No sample of ${table.table}: its rows could not be read, or not in time.`);
      await side.query('ROLLBACK TO SAVEPOINT gatehouse_sample');
      await observer.query('ROLLBACK TO SAVEPOINT gatehouse_sample');
    }
  }
  if (tables.length > limits.sampleTables) notes.push(`Samples of the first ${limits.sampleTables} tables of ${tables.length}.`);
  return { samples, notes };
}

/** Every cell as the server writes it. */
const AS_TEXT = { getTypeParser: () => (value: string | Buffer) => value };

const KEY_SQL = `SELECT k.number FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY k (number, at) WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND i.indisprimary ORDER BY k.at`;

async function sampleOf({
  side,
  observer,
  run,
  table,
  xid,
}: Pick<Sampling, 'side' | 'observer' | 'run'> & { table: CountedTable; xid: string }): Promise<RawSample> {
  const columns = run.columnsOf(table.oid);
  const { sampleRows } = run.limits;
  const keys = await side.query<{ number: number }>(KEY_SQL, [table.oid]);
  const key = keys.rows.map(({ number }) => columns.findIndex((column) => column.number === Number(number)));
  const from = `ONLY ${qualifiedName(table.schema, table.name)}`;
  const cells = columns.map(({ name }) => quoteName(name)).join(', ');
  const read = async (client: pg.ClientBase, where: string, most: number): Promise<{ at: string; cells: Cells }[]> => {
    const text = `SELECT ctid::pg_catalog.text${cells === '' ? '' : `, ${cells}`} FROM ${from} WHERE ${where} LIMIT ${most}`;
    const answer = await client.query<(string | null)[]>({ text, rowMode: 'array', types: AS_TEXT } as pg.QueryArrayConfig);
    return answer.rows.map(([at, ...row]) => ({ at: at ?? '', cells: row }));
  };
  const is = (column: 'xmin' | 'xmax') => `${column} OPERATOR(pg_catalog.=) '${xid}'::pg_catalog.xid`;
  let before: { at: string; cells: Cells }[] = [];
  if (table.updated + table.deleted > 0) {
    // Rows that were only locked carry the transaction's number too, and are still there.
    const candidates = await read(observer, is('xmax'), sampleRows * 5);
    const there = await side.query<{ at: string }>(
      `SELECT ctid::pg_catalog.text AS at FROM ${from} WHERE ctid OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.tid[])`,
      [candidates.map(({ at }) => at)],
    );
    const kept = new Set(there.rows.map(({ at }) => at));
    before = candidates.filter(({ at }) => !kept.has(at)).slice(0, sampleRows);
  }
  const keyed = key.length > 0 && !key.includes(-1);
  const same = (row: Cells) =>
    key.map((i) => `${quoteName(columns[i]?.name ?? '')}::pg_catalog.text OPERATOR(pg_catalog.=) ${quoteText(row[i] ?? '')}`).join(' AND ');
  const ofBefore = keyed && before.length > 0 ? `(${before.map(({ cells: row }) => `(${same(row)})`).join(' OR ')})` : null;
  const updated = table.updated > 0 && ofBefore !== null ? await read(side, `${is('xmin')} AND ${ofBefore}`, sampleRows) : [];
  const inserted =
    table.inserted > 0 || (table.updated > 0 && !keyed)
      ? await read(side, `${is('xmin')}${ofBefore === null ? '' : ` AND NOT ${ofBefore}`}`, sampleRows)
      : [];
  return {
    oid: table.oid,
    table: table.table,
    columns,
    key: keyed ? key : [],
    before: before.map((row) => row.cells),
    after: [...updated, ...inserted].map((row) => row.cells),
  };
}
