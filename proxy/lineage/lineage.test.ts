import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { loadParser, type ParsedStatement, parseStatements } from '../sql/parse';
import { CASES, queryIn, spelled, TABLES } from './cases/all';
import { type Described, describeStatement } from './cases/describe';
import { render } from './cases/render';
import { SCHEMA } from './cases/schema';
import { UnresolvedError } from './scope';
import { lineageOf, type StatementLineage } from './statement';

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
  // Relations of the session's own, of which the catalog knows nothing.
  await client.query('create temp table nowhere (a text, b text); create temp table t (v text)');
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

for (const [title, cases] of Object.entries(TABLES)) {
  describe(title, () => {
    it.each(cases.map((line) => ({ sql: line[0], line })))('$sql', async ({ line }) => {
      const { path, sql } = spelled(line);
      const parsed = only(sql);
      const [, columns, uses = '', writes = ''] = line;
      if (columns.startsWith('!! ')) {
        const refused = () => lineageOf(parsed.node, catalog, path);
        expect(refused).toThrow(UnresolvedError);
        expect(refused).toThrow(columns.slice(3));
        return;
      }
      const lineage = lineageOf(parsed.node, catalog, path);
      expect(render(lineage, catalog)).toEqual({ columns, uses, writes });
      const inner = queryIn(parsed);
      if (inner !== null) agree(lineage, await describeStatement(client, inner, path ?? ['public']));
    });
  });
}

it('has at least 300 cases', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(300);
});

function only(sql: string): ParsedStatement {
  const [parsed, ...more] = parseStatements(sql);
  if (parsed === undefined || more.length > 0 || parsed.unknown.length > 0) throw new Error(`not one known statement: ${parsed?.unknown}`);
  return parsed;
}

/**
 * Names, count and origins as the server has them: what it takes for a plain column is one of the sources, copied, unless the statement
 * computes a new value for the column itself.
 */
function agree(lineage: StatementLineage, described: readonly Described[]): void {
  expect(lineage.columns.map((column) => column.name)).toEqual(described.map((column) => column.name));
  const changes = lineage.writes.length > 0;
  for (const [index, { tableOid, attributeNumber }] of described.entries()) {
    const relation = catalog.relations.get(tableOid);
    if (relation === undefined || relation.kind === 'S' || attributeNumber < 0) continue;
    const derivation = (number: number) => lineage.columns[index]?.value.sources.get(`${tableOid}.${number}`)?.derivation;
    if (attributeNumber === 0) for (const { number } of relation.columns) expect(derivation(number)).toBe('whole row');
    else expect(changes ? ['copied', 'transformed'] : ['copied']).toContain(derivation(attributeNumber));
  }
}
