import type pg from 'pg';
import { child, list, names, text } from '../../proxy/sql/tree';
import { type SuiteStatement, statementsIn } from './suite';

/** What makes tables, rows, and what views are made of. */
const REPLAYED: ReadonlySet<string> = new Set([
  ...[
    'CreateStmt',
    'InsertStmt',
    'UpdateStmt',
    'ViewStmt',
    'CreateTableAsStmt',
    'CreateFunctionStmt',
    'CompositeTypeStmt',
    'CreateEnumStmt',
  ],
  ...['CreateDomainStmt', 'CreateRangeStmt', 'AlterTableStmt', 'CreateSeqStmt'],
]);

const DUPLICATE_TABLE = '42P07';

/**
 * The suite drops most of what it makes. Its files are replayed, each in a schema of its own, without what drops or needs psql: every view
 * that they ever make is then there, under its own name or, when the file makes another of that name, with a number behind it.
 * @returns how many views there are more than before
 */
export async function replay(client: pg.Client, folder: string): Promise<number> {
  const before = await countViews(client);
  let current = '';
  let number = 0;
  await client.query("SET statement_timeout = '2s'; SET client_min_messages = error");
  for (const statement of statementsIn(folder)) {
    if (!REPLAYED.has(statement.parsed.node.tag) || runsElsewhere(statement)) continue;
    if (statement.file !== current) {
      current = statement.file;
      await client.query(`CREATE SCHEMA "replay_${current}"; SET search_path = "replay_${current}", public`);
    }
    const sql = permanent(statement.parsed.text);
    const error = await attempt(client, sql);
    const view = child(statement.parsed.node, 'view') ?? child(child(statement.parsed.node, 'into'), 'rel');
    if (error !== DUPLICATE_TABLE || view === null) continue;
    const name = text(view, 'relname') ?? '';
    if ((await attempt(client, `ALTER TABLE "${name}" RENAME TO "${name}_${++number}"`)) === null) await attempt(client, sql);
  }
  await client.query('RESET search_path; RESET statement_timeout');
  return (await countViews(client)) - before;
}

/** A name with a schema means an object of the database itself. */
function runsElsewhere({ parsed: { node } }: SuiteStatement): boolean {
  const target = child(node, 'relation') ?? child(node, 'view') ?? child(child(node, 'into'), 'rel');
  return text(target, 'schemaname') !== null || names(list(node, 'funcname')).length > 1;
}

const permanent = (sql: string): string => sql.replace(/^(create (?:or replace )?)(?:local |global )?(?:temp|temporary|unlogged) /i, '$1');

/** The SQLSTATE it ends in, null when it went well. */
async function attempt(client: pg.Client, sql: string): Promise<string | null> {
  try {
    await client.query(sql);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5) return error.code;
    throw error;
  }
}

async function countViews(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_catalog.pg_class WHERE relkind IN ('v', 'm')",
  );
  return rows[0]?.count ?? 0;
}
