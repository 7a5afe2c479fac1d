import { and, eq, gte, inArray, lte, type SQL } from 'drizzle-orm';
import { statementForms, statementMasks, statementSources, statements, statementValues, transactions } from '../../db/schema/audit';
import type { ParameterValue, RuleTrial } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import type { StatementKey } from './keys';
import type { StatementRow } from './shape';
import type { ValueReader } from './values';

/** What stands where a text was erased. */
export const ERASED = '(erased)';

/** A statement with what it shares with others; its values are still sealed. */
export const storedColumns = {
  statement: statements,
  source: statementSources,
  form: statementForms,
  maskedColumns: statementMasks.columns,
};

const selectStored = (store: StoreHandle) =>
  store
    .select(storedColumns)
    .from(statements)
    .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
    .innerJoin(statementForms, eq(statementForms.id, statements.formId))
    .leftJoin(statementMasks, eq(statementMasks.id, statements.maskId));

export type StoredStatement = Awaited<ReturnType<typeof readStored>>[number];

export const readStored = (store: StoreHandle, where: SQL | undefined) => selectStored(store).where(where);

/** Statements by their keys, in the order of the keys. */
export async function readRows(
  store: StoreHandle,
  values: ValueReader,
  keys: readonly Pick<StatementKey, 'id' | 'at'>[],
): Promise<StatementRow[]> {
  if (keys.length === 0) return [];
  const stored = await readStored(store, atKeys(statements, keys));
  const opened = await openStored(store, values, stored);
  const byId = new Map(stored.map((one, index) => [one.statement.id, rowOf(one, opened[index] ?? NOTHING)]));
  return keys.flatMap(({ id }) => byId.get(id) ?? []);
}

/** The times bound the partitions that are asked. */
function atKeys(table: typeof statements | typeof statementValues, keys: readonly Pick<StatementKey, 'id' | 'at'>[]): SQL | undefined {
  const times = keys.map(({ at }) => at.getTime());
  return and(
    inArray(
      table.id,
      keys.map(({ id }) => id),
    ),
    gte(table.at, new Date(Math.min(...times))),
    lte(table.at, new Date(Math.max(...times))),
  );
}

/** What a client sent with a statement. */
export interface OpenedStatement {
  sql: string;
  rewritten: string | null;
  parameters: ParameterValue[];
  breakGlass: string | null;
  why: string;
  tried: RuleTrial[];
  erased: boolean;
}

const NOTHING: OpenedStatement = { sql: '', rewritten: null, parameters: [], breakGlass: null, why: '', tried: [], erased: false };

export async function openStored(store: StoreHandle, values: ValueReader, stored: readonly StoredStatement[]): Promise<OpenedStatement[]> {
  if (stored.length === 0) return [];
  const boxes = await store
    .select()
    .from(statementValues)
    .where(
      atKeys(
        statementValues,
        stored.map(({ statement }) => statement),
      ),
    );
  const byId = new Map(boxes.map((box) => [box.id, box]));
  return Promise.all(stored.map(async ({ statement }) => openBox(values, byId.get(statement.id), statement.brokeGlass)));
}

export async function openBox(
  values: ValueReader,
  box: { keyId: string; box: Buffer } | undefined,
  brokeGlass: boolean,
): Promise<OpenedStatement> {
  // A statement without values: an empty text.
  if (box === undefined) return NOTHING;
  const opened = box.box.length === 0 ? null : await values.open(box);
  if (opened === null) return { ...NOTHING, sql: ERASED, breakGlass: brokeGlass ? ERASED : null, erased: true };
  return {
    sql: opened.sql ?? '',
    rewritten: opened.rewritten ?? null,
    // Only the recorder seals, and it sealed what journals hold.
    parameters: opened.parameters === undefined ? [] : (JSON.parse(opened.parameters) as ParameterValue[]),
    breakGlass: opened.breakGlass ?? null,
    why: opened.why ?? '',
    tried: opened.tried === undefined ? [] : (JSON.parse(opened.tried) as RuleTrial[]),
    erased: false,
  };
}

export function rowOf({ statement, source, form, maskedColumns }: StoredStatement, opened: OpenedStatement): StatementRow {
  return {
    id: statement.id,
    at: statement.at,
    principalName: source.principalName,
    ownerName: source.ownerName,
    connectionName: source.connectionName,
    sessionId: statement.sessionId,
    kind: form.kind,
    sql: opened.sql,
    verdict: statement.verdict,
    rule: statement.rule,
    status: statement.status,
    rows: statement.rows,
    maskedColumns: maskedColumns ?? [],
    durationMs: statement.durationMs,
    sqlstate: statement.sqlstate,
    requestId: statement.requestId,
    grantId: statement.grantId,
    breakGlass: opened.breakGlass,
    reviewers: statement.reviewers ?? [],
  };
}

/** How the transaction block of a statement ended; null outside one, and while it is open. */
export async function transactionOutcome(store: StoreHandle, id: string | null): Promise<string | null> {
  if (id === null) return null;
  const [row] = await store.select({ outcome: transactions.outcome }).from(transactions).where(eq(transactions.id, id)).limit(1);
  return row?.outcome ?? null;
}

/** `127.0.0.1:5` */
export const addressOf = ({ statement, source }: Pick<StoredStatement, 'statement' | 'source'>): string =>
  statement.clientPort === null ? source.clientHost : `${source.clientHost}:${statement.clientPort}`;
