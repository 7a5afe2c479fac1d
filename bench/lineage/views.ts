import pg from 'pg';
import type { CatalogSnapshot, Relation } from '../../proxy/catalog/types';
import { type Claim, claimOf, unexplained } from '../../proxy/lineage/oracle/explain';
import { isSame, type Observation, observeAll, sqlstate } from '../../proxy/lineage/oracle/observe';
import { type BaseColumn, baseColumns, family, perturbations } from '../../proxy/lineage/oracle/perturb';
import { UnresolvedError } from '../../proxy/lineage/scope';
import { followView } from '../../proxy/lineage/view';
import { parseStatements, SqlSyntaxError } from '../../proxy/sql/parse';
import { readDependencies } from './dependencies';

export interface Report {
  passed: number;
  failed: number;
  lines: readonly string[];
}

interface Options {
  say(line: string): void;
  verbose: boolean;
}

/** A view that the engine follows, and what it says. */
interface Subject {
  view: Relation;
  name: string;
  sql: string;
  claim: Claim;
}

export async function checkViews(client: pg.Client, catalog: CatalogSnapshot, { say, verbose }: Options): Promise<Report> {
  const views = [...catalog.relations.values()].filter((relation) => relation.definition !== null);
  const subjects: Subject[] = [];
  const refused: string[] = [];
  for (const view of views) {
    const name = `${view.schema}.${view.name}`;
    try {
      subjects.push(subjectOf(catalog, view, name));
    } catch (error) {
      if (!(error instanceof UnresolvedError || error instanceof SqlSyntaxError)) throw error;
      refused.push(`refused: ${name}: ${error.message}`);
    }
  }
  say(`${views.length} views, ${subjects.length} followed, ${refused.length} refused`);
  const { problems, lines } = await bruteForce(client, catalog, subjects, say);
  const dependencies = await againstDependencies(client, catalog, subjects, problems);
  const failing = new Set(problems.keys());
  const outputs = subjects.filter(({ name }) => !failing.has(name)).reduce((sum, { view }) => sum + view.columns.length, 0);
  return {
    passed: subjects.length - failing.size,
    failed: failing.size,
    lines: [
      ...(verbose ? subjects.map((subject) => described(catalog, subject)) : []),
      ...refused,
      ...[...problems].flatMap(([name, found]) => found.map((problem) => `wrong: ${name}: ${problem}`)),
      `${views.length} views: ${subjects.length} followed, ${refused.length} refused; ${outputs} output columns agree`,
      ...lines,
      ...dependencies,
      ...(await systemViews(client, catalog)),
    ],
  };
}

function subjectOf(catalog: CatalogSnapshot, view: Relation, name: string): Subject {
  const { columns, uses, opaque } = followView(catalog, view);
  if (opaque.length > 0) throw new UnresolvedError(`it runs ${opaque.join(', ')}`);
  const [parsed] = parseStatements(view.definition ?? '');
  if (parsed === undefined) throw new UnresolvedError('no definition');
  const outputs = view.columns.map((column) => ({ name: column.name, value: columns.get(column.number) ?? nothing(name) }));
  // Of a materialised view the query itself, which sees what has changed.
  return {
    view,
    name,
    sql: (view.definition ?? '').replace(/;\s*$/, ''),
    claim: claimOf(catalog, parsed.node, { columns: outputs, uses }),
  };
}

/** PostgreSQL's own views, which the gateway takes as they are: that their definitions can be followed shows what the engine takes. */
async function systemViews(client: pg.Client, catalog: CatalogSnapshot): Promise<string[]> {
  const { rows } = await client.query<{ oid: number; definition: string }>(
    `SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) AS definition FROM pg_catalog.pg_class c
      WHERE c.relkind = 'v' AND c.relnamespace IN ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)`,
  );
  const refused: string[] = [];
  for (const { oid, definition } of rows) {
    const view = catalog.relations.get(oid);
    if (view === undefined) throw new Error(`view ${oid} is not in the catalog`);
    try {
      followView(catalog, { ...view, definition });
    } catch (error) {
      if (!(error instanceof UnresolvedError)) throw error;
      refused.push(`  refused: ${view.schema}.${view.name}: ${error.reason}`);
    }
  }
  return [`${rows.length} views of PostgreSQL itself: ${rows.length - refused.length} followed`, ...refused];
}

function nothing(name: string): never {
  throw new Error(`${name} has a column without lineage`);
}

/** More rows than these are changed in fewer ways. */
const MANY_ROWS = 2_000;

/** Changes every column of every table that a view may read, and looks at what the views then show. */
async function bruteForce(client: pg.Client, catalog: CatalogSnapshot, subjects: readonly Subject[], say: Options['say']) {
  const problems = new Map<string, string[]>();
  const { steady, unsteady } = await settled(client, subjects);
  say(`${steady.length} views show the same twice`);
  const tables = new Set(steady.flatMap(({ claim }) => [...claim.reads]));
  const columns = baseColumns(catalog, tables).filter(
    ({ relation }) => relation.schema !== 'pg_catalog' && relation.schema !== 'information_schema',
  );
  const confirmed = new Set<string>();
  const done = { columns: new Set<string>(), changes: 0, comparisons: 0, effects: 0 };
  const fixed: string[] = [];
  for (const [relation, own] of groupBy(columns, (column) => column.relation)) {
    const readers = steady.filter(({ claim }) => claim.reads.has(relation));
    const base = new Map<string, Observation[] | null>();
    const rows = await count(client, relation);
    for (const column of own) {
      const keys = family(catalog, column);
      const plans = perturbations(column).filter((_, index) => rows <= MANY_ROWS || index % 4 === 0);
      let changed = false;
      for (const { change, noChange, marker } of plans) {
        const place = noChange.replace(/ SET .*? = .*?(?= WHERE|$)/s, '');
        if (!base.has(place)) base.set(place, await after(client, noChange, readers));
        const before = base.get(place);
        const shown = before ? await after(client, change, readers) : null;
        if (!before || shown === null) continue;
        changed = true;
        done.changes++;
        for (const [index, { name, claim }] of readers.entries()) {
          const [was, is] = [before[index], shown[index]];
          if (was === undefined || is === undefined || is.error === TIMED_OUT) continue;
          done.comparisons++;
          if (isSame(was, is)) continue;
          done.effects++;
          for (const [at, values] of is.columns.entries()) if (values !== was.columns[at]) confirmed.add(`${name} ${at} ${column.key}`);
          for (const problem of unexplained(claim, keys, was, is, marker)) note(problems, name, `${problem} by ${change}`);
        }
      }
      if (changed) done.columns.add(column.key);
      else fixed.push(`${column.relation.schema}.${column.relation.name}.${column.name}`);
    }
  }
  const { claimed, shown } = confirmations(steady, columns, done.columns, confirmed);
  const lines = [
    `brute force: ${steady.length} views, ${done.columns.size} base columns of ${columns.length} changed in ${done.changes} ways: ` +
      `${done.effects} effects in ${done.comparisons} comparisons, each accounted for unless it is listed above`,
    `${claimed} pairs of an output and a base column it derives from, ${shown} of them seen to change together`,
    `not steady, compared with pg_depend alone: ${unsteady.join(', ') || 'none'}`,
    `base columns that could not be changed: ${fixed.join(', ') || 'none'}`,
  ];
  return { problems, lines };
}

const TIMED_OUT = '57014';

/** Those that end well and alike each time. */
async function settled(client: pg.Client, subjects: readonly Subject[]): Promise<{ steady: Subject[]; unsteady: string[] }> {
  const [once, again] = [await after(client, 'SELECT 1', subjects), await after(client, 'SELECT 1', subjects)];
  const isSteady = (index: number) => {
    const [first, second] = [once?.[index], again?.[index]];
    // What a sample takes depends on where rows stand, and where a row stands is no value.
    const placed = /\b(?:tablesample|ctid|xmin)\b/i.test(subjects[index]?.sql ?? '');
    return first?.error === null && second !== undefined && isSame(first, second) && !placed;
  };
  return {
    steady: subjects.filter((_, index) => isSteady(index)),
    unsteady: subjects.filter((_, index) => !isSteady(index)).map(({ name }) => name),
  };
}

/** What the views show once a statement has run, which is undone; null when it could not. */
async function after(client: pg.Client, statement: string, subjects: readonly Subject[]): Promise<Observation[] | null> {
  await client.query(
    "BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL search_path = public; SET LOCAL statement_timeout = '5s'",
  );
  try {
    await client.query(statement);
    return await observeAll(
      client,
      subjects.map(({ sql }) => sql),
    );
  } catch (error) {
    sqlstate(error);
    return null;
  } finally {
    await client.query('ROLLBACK');
  }
}

/** How much of what the engine claims was seen: it may claim more than happens, never less. */
function confirmations(
  steady: readonly Subject[],
  columns: readonly BaseColumn[],
  changed: ReadonlySet<string>,
  confirmed: ReadonlySet<string>,
): { claimed: number; shown: number } {
  let [claimed, shown] = [0, 0];
  for (const { name, claim } of steady)
    for (const [at, { value }] of claim.columns.entries())
      for (const { key } of columns) {
        if (!changed.has(key) || !value.sources.has(key)) continue;
        claimed++;
        if (confirmed.has(`${name} ${at} ${key}`)) shown++;
      }
  return { claimed, shown };
}

/** Every column that PostgreSQL itself notes a view to depend on is a source or a use of the view; others it only names. */
async function againstDependencies(
  client: pg.Client,
  catalog: CatalogSnapshot,
  subjects: readonly Subject[],
  problems: Map<string, string[]>,
): Promise<string[]> {
  const dependencies = await readDependencies(client);
  let [named, within] = [0, 0];
  const unused: string[] = [];
  for (const { view, name, claim } of subjects) {
    const known = new Set([...claim.uses, ...claim.columns.flatMap(({ value }) => [...value.sources.keys()])]);
    for (const { relationOid, number } of dependencies.get(view.oid) ?? []) {
      const relation = catalog.relations.get(relationOid);
      const column = relation?.columns.find((each) => each.number === number);
      // Relations of a session's own are not in the catalog, nor are the columns of sequences.
      if (relation === undefined || relation.kind === 'S') continue;
      if (column === undefined) {
        note(problems, name, `depends on column ${number} of ${relation.name}, which is not in the catalog`);
        continue;
      }
      named++;
      if (known.has(`${relationOid}.${number}`)) within++;
      else unused.push(`${name} ← ${relation.schema}.${relation.name}.${column.name}`);
    }
  }
  return [
    `pg_depend: ${named} columns named by the views, ${within} of them sources or uses, ${unused.length} named only`,
    ...unused.map((line) => `  named only: ${line}`),
  ];
}

function note(problems: Map<string, string[]>, name: string, problem: string): void {
  const found = problems.get(name) ?? [];
  if (found.length < 3) problems.set(name, [...found, problem]);
}

async function count(client: pg.Client, { schema, name }: Relation): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`,
  );
  return rows[0]?.count ?? 0;
}

function described(catalog: CatalogSnapshot, { name, claim }: Subject): string {
  const shown = claim.columns.map((column) => {
    const sources = [...column.value.sources.values()].map((source) => {
      const relation = catalog.relations.get(source.relationOid);
      return `${relation?.name}.${relation?.columns.find((each) => each.number === source.number)?.name}:${source.derivation}`;
    });
    return `${column.name}<${sources.join(' ')}>`;
  });
  return `${name}: ${shown.join(', ')}`;
}

function groupBy<K, V>(items: readonly V[], key: (item: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
