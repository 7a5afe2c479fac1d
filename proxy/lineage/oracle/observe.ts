import type pg from 'pg';

/** What one run of a query showed. */
export interface Observation {
  /** Each column's values, sorted, as one text: which rows they stand in does not matter. */
  columns: readonly string[];
  /** Whole rows, sorted, as one text. */
  rows: string;
  count: number;
  /** SQLSTATE, when it ended in an error. */
  error: string | null;
}

/** Values as the server writes them. */
const AS_TEXT = { getTypeParser: () => (value: string | Buffer) => value };

const SEPARATOR = '\u0001';

/** Runs queries inside the open transaction, which goes on as if they had not been run. Those that only read go together where they can. */
export async function observeAll(client: pg.Client, queries: readonly string[]): Promise<Observation[]> {
  const seen: Observation[] = [];
  for (let at = 0; at < queries.length; at += BATCH) {
    const batch = queries.slice(at, at + BATCH);
    const reading = batch.every((sql) => !/\b(insert|update|delete|merge|saves)\b/i.test(sql));
    const together = reading ? await observe(client, batch.join(';\n')) : null;
    if (together !== null && together.length === batch.length) seen.push(...together);
    else for (const sql of batch) seen.push(...(await observe(client, sql)));
  }
  return seen;
}

const BATCH = 40;

async function observe(client: pg.Client, sql: string): Promise<Observation[]> {
  await client.query('SAVEPOINT before');
  try {
    const result: unknown = await client.query({ text: sql, rowMode: 'array', types: AS_TEXT });
    return (Array.isArray(result) ? result : [result]).map(observation);
  } catch (error) {
    return [{ columns: [], rows: '', count: 0, error: sqlstate(error) }];
  } finally {
    await client.query('ROLLBACK TO before');
  }
}

function observation(result: pg.QueryArrayResult<(string | null)[]>): Observation {
  const { rows, fields } = result;
  return {
    columns: fields.map((_, index) =>
      rows
        .map((row) => shown(row[index]))
        .sort()
        .join(SEPARATOR),
    ),
    rows: rows
      .map((row) => row.map(shown).join(SEPARATOR))
      .sort()
      .join('\n'),
    count: rows.length,
    error: null,
  };
}

const shown = (value: string | null | undefined): string => (value === null || value === undefined ? '\u0000' : value);

/** @throws what is no error of the server's */
export function sqlstate(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5) return error.code;
  throw error;
}

export const isSame = (a: Observation, b: Observation): boolean => a.rows === b.rows && a.error === b.error;
