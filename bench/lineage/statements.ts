import type pg from 'pg';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { type Described, describeStatement } from '../../proxy/lineage/cases/describe';
import { UnresolvedError } from '../../proxy/lineage/scope';
import { lineageOf, type StatementLineage } from '../../proxy/lineage/statement';
import { SqlTooComplexError } from '../../proxy/sql/parse';
import { statementsIn } from './suite';
import type { Report } from './views';

const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/**
 * Every query of the regression suite's own files that the finished database still takes: the server describes it, and names, number and
 * origins of its columns are what the engine says, or the engine refuses it.
 */
export async function checkStatements(client: pg.Client, catalog: CatalogSnapshot, folder: string): Promise<Report> {
  const refused = new Map<string, string[]>();
  const problems: string[] = [];
  let [described, origins] = [0, 0];
  for (const { parsed, file } of statementsIn(folder)) {
    if (!QUERIES.has(parsed.node.tag)) continue;
    const columns = await describedColumns(client, parsed.text);
    if (columns === null) continue;
    described++;
    try {
      const lineage = lineageOf(parsed.node, catalog, ['public']);
      origins += columns.filter((column) => column.tableOid !== 0).length;
      const problem = disagreement(lineage, columns, catalog);
      if (problem !== null) problems.push(`wrong: ${file}: ${problem}: ${shortened(parsed.text)}`);
    } catch (error) {
      if (!(error instanceof UnresolvedError || error instanceof SqlTooComplexError)) throw error;
      const reason = error instanceof UnresolvedError ? error.reason : 'too complex';
      refused.set(reason, [...(refused.get(reason) ?? []), shortened(parsed.text)]);
    }
  }
  const refusals = [...refused.values()].reduce((sum, each) => sum + each.length, 0);
  return {
    passed: described - refusals - problems.length,
    failed: problems.length,
    lines: [
      ...problems,
      `${described} queries of the suite that the database takes: ${described - refusals} followed, ${refusals} refused; ` +
        `${origins} columns with an origin`,
      ...[...refused].map(([reason, texts]) => `  refused ${texts.length}: ${reason}: ${texts[0]}`),
    ],
  };
}

const shortened = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 300);

async function describedColumns(client: pg.Client, text: string): Promise<readonly Described[] | null> {
  try {
    return await describeStatement(client, text, ['public']);
  } catch (error) {
    if (error instanceof Error && 'severity' in error) return null;
    throw error;
  }
}

function disagreement(lineage: StatementLineage, described: readonly Described[], catalog: CatalogSnapshot): string | null {
  if (lineage.stored.length > 0) return null;
  const [ours, theirs] = [lineage.columns.map((column) => column.name), described.map((column) => column.name)];
  if (ours.join('\0') !== theirs.join('\0')) return `columns (${ours.join(', ')}) where the server has (${theirs.join(', ')})`;
  for (const [index, { tableOid, attributeNumber, name }] of described.entries()) {
    const relation = catalog.relations.get(tableOid);
    if (relation === undefined || relation.kind === 'S' || attributeNumber < 0) continue;
    const numbers = attributeNumber > 0 ? [attributeNumber] : relation.columns.map((column) => column.number);
    const sources = lineage.columns[index]?.value.sources;
    if (!numbers.every((number) => sources?.has(`${tableOid}.${number}`))) return `${name} comes from ${relation.name}`;
  }
  return null;
}
