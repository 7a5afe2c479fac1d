import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { loadParser, parseStatements } from '../sql/parse';
import { CASES, queryIn, spelled } from './cases/all';
import { SCHEMA } from './cases/schema';
import { type Claim, claimOf, unexplained } from './oracle/explain';
import { generateQuery, random } from './oracle/generate';
import { isSame, type Observation, observeAll, sqlstate } from './oracle/observe';
import { baseColumns, family, type Perturbation, perturbations } from './oracle/perturb';
import { UnresolvedError } from './scope';
import { lineageOf } from './statement';

/** `GATEHOUSE_ORACLE_SECONDS` gives it more time, `GATEHOUSE_ORACLE_SEED` other queries. */
const SECONDS = Number(process.env.GATEHOUSE_ORACLE_SECONDS ?? 15);
const SEED = Number(process.env.GATEHOUSE_ORACLE_SEED ?? 1);
/** However slow the machine is. */
const FEWEST_CHANGES = 20;
const GENERATED = Math.max(200, Math.round(SECONDS * 12));

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  catalog = await loadCatalog(client);
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

interface Subject {
  sql: string;
  claim: Claim;
}

/** The queries of the cases, every view, and generated ones, with what the engine says of each. */
function subjects(): { all: Subject[]; refused: string[] } {
  // Where a row stands and who wrote it is no value of a column; a sample is taken at random.
  const written = CASES.map(spelled).filter(({ path, sql }) => path?.join() === 'public' && !/\b(ctid|xmin|tablesample)\b/.test(sql));
  const texts = written.flatMap(({ sql }) => parseStatements(sql).map(queryIn));
  const queries = texts.flatMap((sql) => (sql === null ? [] : [withoutParameters(sql)]));
  const views = [...catalog.relations.values()]
    .filter((relation) => relation.definition !== null)
    .map(({ name }) => `select * from ${name}`);
  const generated = Array.from({ length: GENERATED }, (_, index) => generateQuery(SEED * 1_000_003 + index));
  const refused: string[] = [];
  const all = [...new Set([...queries, ...views, ...generated])].flatMap((sql): Subject[] => {
    try {
      const [parsed] = parseStatements(sql);
      if (parsed === undefined || parsed.unknown.length > 0) throw new UnresolvedError('not known to the grammar');
      return [{ sql, claim: claimOf(catalog, parsed.node, lineageOf(parsed.node, catalog, ['public'])) }];
    } catch (error) {
      if (!(error instanceof UnresolvedError)) throw error;
      refused.push(`${error.reason}: ${sql}`);
      return [];
    }
  });
  return { all, refused };
}

const withoutParameters = (sql: string): string => sql.replaceAll(/\$(\d)/g, "'$1'");

/** Runs all queries once the rows of a table have been touched by an UPDATE; null when that was not possible. */
async function after(update: string, queries: readonly Subject[]): Promise<Observation[] | null> {
  await client.query(
    'BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = public; SET LOCAL statement_timeout = 200',
  );
  try {
    await client.query(update);
    await client.query('REFRESH MATERIALIZED VIEW mc');
    return await observeAll(
      client,
      queries.map((query) => query.sql),
    );
  } catch (error) {
    sqlstate(error);
    return null;
  } finally {
    await client.query('ROLLBACK');
  }
}

async function afterRewrite(update: string, queries: readonly Subject[]): Promise<Observation[] | null> {
  await client.query('VACUUM FULL');
  return after(update, queries);
}

/** Those that end well, soon, and alike each time. */
async function settled(queries: readonly Subject[]): Promise<Subject[]> {
  const nothing = 'UPDATE k SET id = id WHERE false';
  const [once, again] = [await after(nothing, queries), await after(nothing, queries)];
  return queries.filter((_, index) => {
    const [first, second] = [once?.[index], again?.[index]];
    return first?.error === null && second !== undefined && isSame(first, second);
  });
}

it(
  'accounts for everything that changes when one base column does',
  async () => {
    const { all, refused } = subjects();
    // The generator writes nothing that may be refused; the cases say which of theirs are.
    expect(refused.filter((line) => !line.includes('looped'))).toEqual([]);
    const quick = await settled(all);
    const steady = await settled(quick);
    const columns = baseColumns(catalog, catalog.relations.values()).filter(
      ({ relation }) => relation.schema === 'public' || relation.schema === 'hr',
    );
    const endsAtMs = performance.now() + SECONDS * 1000;
    const plans = shuffled(columns.flatMap((column) => perturbations(column)));
    const before = new Map<string, Observation[] | null>();
    const problems = new Map<string, string>();
    const done = { changes: 0, comparisons: 0, effects: 0, columns: new Set<string>() };
    for (const plan of plans) {
      if (performance.now() > endsAtMs && done.changes >= FEWEST_CHANGES) break;
      const place = plan.noChange.replace(/ SET .*? = .*?(?= WHERE|$)/, '');
      const readers = steady.filter(({ claim }) => claim.reads.has(plan.column.relation));
      if (!before.has(place)) before.set(place, await after(plan.noChange, readers));
      const base = before.get(place);
      const changed = await after(plan.change, readers);
      if (!base || changed === null) continue;
      done.changes++;
      done.columns.add(plan.column.key);
      const found = new Map<string, string>();
      compare(plan, readers, base, changed, found, done);
      if (found.size === 0) continue;
      // Where a row stands on its page is no value of a column, and decides LIMIT without ORDER BY: what is found is looked at again from freshly
      // written tables, where both updates put the rows down in the same order.
      const unmoved = await afterRewrite(plan.noChange, readers);
      const moved = await afterRewrite(plan.change, readers);
      if (unmoved === null || moved === null) for (const [sql, problem] of found) problems.set(sql, problem);
      else compare(plan, readers, unmoved, moved, problems, done);
    }
    console.log(
      `${steady.length} of ${all.length} queries, ${done.changes} of ${plans.length} changes of ${done.columns.size} columns: ` +
        `${done.effects} effects in ${done.comparisons} comparisons, ${problems.size} unexplained`,
    );
    expect(Object.fromEntries(problems)).toEqual({});
    expect(steady.length).toBeGreaterThan(400);
    expect(done.effects).toBeGreaterThan(3 * done.changes);
  },
  SECONDS * 3000 + 240_000,
);

function compare(
  { column, change, marker }: Perturbation,
  queries: readonly Subject[],
  before: readonly Observation[],
  changed: readonly Observation[],
  problems: Map<string, string>,
  done: { comparisons: number; effects: number },
): void {
  const keys = family(catalog, column);
  for (const [index, { sql, claim }] of queries.entries()) {
    const [was, is] = [before[index], changed[index]];
    if (was === undefined || is === undefined) continue;
    done.comparisons++;
    if (!isSame(was, is)) done.effects++;
    // Of each query its first problem tells enough.
    const [problem] = problems.has(sql) ? [] : unexplained(claim, keys, was, is, marker);
    if (problem !== undefined) problems.set(sql, `${problem} by ${change}`);
  }
}

/** In an order of their own, so that a run cut short has seen some of each. */
function shuffled<T>(items: readonly T[]): T[] {
  const next = random(SEED);
  return items
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
