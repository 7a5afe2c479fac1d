import pg from 'pg';
import { withPostgres } from '../db/embedded/testing';
import { loadCatalog } from '../proxy/catalog/load';
import type { CatalogSnapshot } from '../proxy/catalog/types';
import { SCHEMA } from '../proxy/lineage/cases/schema';
import { lineageOf } from '../proxy/lineage/statement';
import { type MaskIndex, maskedColumnsFor } from '../proxy/masking/columns';
import { createJudge, type JudgeContext, judge } from '../proxy/policy/judge';
import type { ConnectionPolicy, MaskingRule, Principal } from '../proxy/policy/types';
import { factsOf } from '../proxy/sql/facts';
import { loadParser, type ParsedStatement, parseStatements, warmParser } from '../proxy/sql/parse';

/**
 * What it costs to analyse a statement that was never seen, and to find the verdict of one that was.
 *
 *   npm run bench:analysis -- [rounds]
 */
const ROUNDS = Number(process.argv[2] ?? 400);
/** Beside those of the cases, so that the catalog is of an ordinary size. */
const MORE_TABLES = 300;

/** Ordinary statements over masked columns; `#` is another number each time, so that no text comes twice. */
const STATEMENTS = [
  'SELECT id, name, email FROM c WHERE id = #',
  'SELECT * FROM c WHERE city = $1 AND id > # LIMIT 10',
  'SELECT c.name, o.total, o.note FROM c JOIN o ON o.cid = c.id WHERE o.id = # ORDER BY o.made DESC LIMIT 20',
  'SELECT c.city, count(*), sum(o.total) FROM c LEFT JOIN o ON o.cid = c.id WHERE c.id <> # GROUP BY c.city HAVING count(*) > 1',
  "SELECT id, coalesce(email, 'none') AS mail, upper(name) FROM c WHERE name LIKE 'A%' AND id < #",
  'WITH late AS (SELECT cid, max(made) AS last FROM o GROUP BY cid) SELECT c.name, late.last FROM c JOIN late ON late.cid = c.id WHERE c.id = #',
  'SELECT name, (SELECT count(*) FROM o WHERE o.cid = c.id) AS orders FROM c WHERE id IN (1, 2, #)',
  'SELECT * FROM vv WHERE id = #',
  'SELECT name, rank() OVER (PARTITION BY city ORDER BY age DESC) FROM c WHERE id > #',
  "INSERT INTO s (id, v) VALUES (#, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING *",
  "UPDATE c SET name = 'x', city = $2 WHERE id = # RETURNING id, name",
  'SELECT e.key, e.value FROM c, jsonb_each(doc) AS e WHERE c.id = #',
];

await loadParser();
await warmParser(() => false);
const database = await withPostgres();
try {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  for (let i = 0; i < MORE_TABLES; i++)
    await client.query(`create table extra_${i} (id int, name text, email text, made date, total numeric)`);
  const catalog = await loadCatalog(client);
  await client.end();
  measure(catalog);
} finally {
  await database.drop();
}
process.exit(0);

function measure(catalog: CatalogSnapshot): void {
  const context = contextOf(catalog);
  let number = 1_000_000;
  const fresh = (sql: string): string => sql.replace('#', String(++number));
  const parsed = (sql: string): ParsedStatement => {
    const [statement] = parseStatements(fresh(sql));
    if (statement === undefined) throw new Error(`not a statement: ${sql}`);
    return statement;
  };
  console.log(
    `${STATEMENTS.length} kinds of statements, ${ROUNDS} of each, ${catalog.relations.size} relations; p50, p95, slowest kind's p50`,
  );
  report('parse', (sql) => {
    const text = fresh(sql);
    return () => parseStatements(text);
  });
  report('facts', (sql) => {
    const statement = parsed(sql);
    return () => factsOf(statement);
  });
  report('lineage', (sql) => {
    const { node } = parsed(sql);
    return () => lineageOf(node, catalog, ['public']);
  });
  report('parse, facts, lineage', (sql) => {
    const text = fresh(sql);
    return () => {
      for (const statement of parseStatements(text)) {
        factsOf(statement);
        lineageOf(statement.node, catalog, ['public']);
      }
    };
  });
  report('whole verdict', (sql) => {
    const text = fresh(sql);
    return () => judge(text, context);
  });
  const remembering = createJudge({ maxBytes: 64 * 1024 * 1024 });
  const known = Array.from({ length: 2_000 }, (_, i) => fresh(STATEMENTS[i % STATEMENTS.length] ?? ''));
  for (const text of known) remembering.judge(text, context);
  report(
    'kept verdict',
    (_, round) => {
      // A hundred at a time: one alone is too short for the clock.
      const texts = Array.from({ length: 100 }, (_, i) => copyOf(known[(round * 37 + i) % known.length] ?? ''));
      return () => {
        for (const text of texts) remembering.judge(text, context);
      };
    },
    100,
  );
}

/** Another string of the same text, as it comes from a socket: one that has been a key before knows its hash. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

/** @param prepare makes what is timed, so that making it is not */
function report(name: string, prepare: (sql: string, round: number) => () => unknown, times = 1): void {
  const byKind = STATEMENTS.map((sql) => {
    const micros: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const run = prepare(sql, round);
      const startedNs = process.hrtime.bigint();
      run();
      micros.push(Number(process.hrtime.bigint() - startedNs) / 1000 / times);
    }
    return micros;
  });
  const all = byKind.flat();
  const slowest = Math.max(...byKind.map((micros) => percentile(micros, 50)));
  console.log(
    `  ${name.padEnd(22)} ${[percentile(all, 50), percentile(all, 95), slowest].map((value) => `${value.toFixed(1).padStart(8)} µs`).join('')}`,
  );
}

function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

function contextOf(catalog: CatalogSnapshot): JudgeContext {
  const connection = { id: 'con_1', name: 'bench', default: 'allow', opaque: 'hold' } as ConnectionPolicy;
  const principal = { id: 'pri_1', name: 'agent', groups: ['agents', 'readers'] } as unknown as Principal;
  const rule: MaskingRule = {
    name: 'pii',
    connections: ['*'],
    columns: ['public.c.email', 'public.c.ssn', '*.extra_*.email'],
    detect: [],
    mask: { type: 'partial', keepLast: 2 },
    inference: 'open',
    exceptGroups: [],
    mode: 'enforce',
  };
  const masks: MaskIndex = maskedColumnsFor({ masking: [rule], connection, principal, catalog });
  const policy = { version: 1, connections: new Map(), access: [], rules: [], masking: [rule] };
  return { connection, principal, policy, catalog, masks, now: new Date(0) };
}
