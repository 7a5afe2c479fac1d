import { and, eq, gt, gte, ilike, isNotNull, like, lt, lte, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { statementForms, statementHours, statementMasks, statementSources, statements } from '../../db/schema/audit';
import { termsOf } from '../../proxy/record/constants';
import { wordKey, wordOf } from '../../proxy/record/words';
import type { Call } from '../identity/actor';
import { ownSources } from '../identity/scope';
import { byIdentity, type IdentityTerm } from './byIdentity';
import { anyOf, escapeLike, globPattern, nameAmong, named } from './globs';
import type { AuditTerm, Comparison } from './query';

/** A text that is looked for: in what statements have in common, and among the values they were sent with. */
export interface TextSearch {
  text: string;
  /** Statements of these forms hold it outside their values. */
  forms: number[];
  /** Any of these conditions: a value of the statement is it, or has it as a word. */
  words: SQL;
}

/** A search as conditions of the tables that answer it. */
export interface Resolved {
  /** Null: whatever they are. */
  sources: number[] | null;
  forms: number[] | null;
  /** Verdict, status, SQLSTATE and rule, which the hours have too. */
  statementsJudged: SQL | undefined;
  hoursJudged: SQL | undefined;
  /** What only a statement itself can answer. */
  exact: SQL[];
  texts: TextSearch[];
  /** Nothing can be found. */
  nothing: boolean;
}

/**
 * Finds what the terms name among the few rows that statements share, so that the statements themselves are asked for numbers. A member's
 * own come out of it as everything else does: by their sources.
 */
export async function resolveTerms({ store, actor, secretKey }: Call, terms: readonly AuditTerm[]): Promise<Resolved> {
  const sourceTerms: (SQL | undefined)[] = [ownSources(actor)];
  const formTerms: SQL[] = [];
  const judged: { statements: SQL; hours: SQL }[] = [];
  const exact: SQL[] = [];
  const texts: TextSearch[] = [];
  const identity: IdentityTerm[] = [];
  const key = wordKey(secretKey);
  for (const term of terms) {
    switch (term.field) {
      case 'who':
        sourceTerms.push(named(statementSources.principalName, term.value));
        break;
      case 'owner':
        sourceTerms.push(named(statementSources.ownerName, term.value));
        break;
      case 'connection':
        sourceTerms.push(named(statementSources.connectionName, term.value));
        break;
      case 'app':
        sourceTerms.push(named(statementSources.applicationName, term.value));
        break;
      case 'address':
        sourceTerms.push(named(statementSources.clientHost, term.value));
        break;
      case 'kind':
        // A verb covers its objects, as in rules: DROP finds DROP TABLE.
        formTerms.push(
          sql`(${named(statementForms.kind, term.value.toUpperCase())} or ${like(statementForms.kind, `${escapeLike(term.value.toUpperCase())} %`)})`,
        );
        break;
      case 'table':
        formTerms.push(nameAmong(statementForms.tables, term.value));
        break;
      case 'column':
        formTerms.push(nameAmong(statementForms.columns, term.value));
        break;
      case 'fingerprint':
        formTerms.push(named(statementForms.fingerprint, term.value.toLowerCase()));
        break;
      case 'verdict':
        judged.push({ statements: eq(statements.verdict, term.value), hours: eq(statementHours.verdict, term.value) });
        break;
      case 'status': {
        // Statuses are written rolledBack and typed as anybody likes.
        const status = (column: PgColumn) => sql`${column} = ${statusNamed(term.value)}`;
        judged.push({ statements: status(statements.status), hours: status(statementHours.status) });
        break;
      }
      case 'sqlstate':
        judged.push(present(statements.sqlstate, statementHours.sqlstate, term.value.toUpperCase()));
        break;
      case 'rule':
        judged.push(present(statements.rule, statementHours.rule, term.value));
        break;
      case 'masked':
        exact.push(await maskedLike(store, term.value));
        break;
      case 'session':
        exact.push(eq(statements.sessionId, term.value));
        break;
      case 'request':
        exact.push(eq(statements.requestId, term.value));
        break;
      case 'reviewer':
        exact.push(await reviewedBy(store, term.value));
        break;
      case 'transaction':
        exact.push(eq(statements.transactionId, term.value));
        break;
      case 'rows':
        exact.push(compared(statements.rows, term.comparison, term.value));
        break;
      case 'bytes':
        exact.push(compared(statements.bytes, term.comparison, term.value));
        break;
      case 'duration':
        exact.push(compared(statements.durationMs, term.comparison, term.value));
        break;
      case 'value':
        exact.push(hasWords(key, term.value));
        break;
      case 'sub':
      case 'issuer':
      case 'agent':
        // Of one session all of them: asked together, below.
        identity.push(term as IdentityTerm);
        break;
      case 'text': {
        const found = await store
          .select({ id: statementForms.id })
          .from(statementForms)
          .where(ilike(statementForms.shape, `%${escapeLike(term.value)}%`));
        texts.push({ text: term.value, forms: found.map(({ id }) => id), words: hasWords(key, term.value) });
        break;
      }
      default:
        term satisfies never;
    }
  }
  const ofIdentity = identity.length === 0 ? undefined : await byIdentity(store, identity);
  if (ofIdentity != null) exact.push(ofIdentity);
  const sources = await idsOf(store, statementSources, and(...sourceTerms));
  const forms = await idsOf(store, statementForms, and(...formTerms));
  return {
    sources,
    forms,
    statementsJudged: and(...judged.map((one) => one.statements)),
    hoursJudged: and(...judged.map((one) => one.hours)),
    exact,
    texts,
    nothing: sources?.length === 0 || forms?.length === 0 || ofIdentity === null,
  };
}

async function idsOf(
  store: Call['store'],
  table: typeof statementSources | typeof statementForms,
  where: SQL | undefined,
): Promise<number[] | null> {
  if (where === undefined) return null;
  return (await store.select({ id: table.id }).from(table).where(where)).map(({ id }) => id);
}

const STATUSES = ['running', 'held', 'done', 'failed', 'denied', 'rejected', 'withdrawn', 'expired', 'skipped', 'rolledBack', 'unknown'];
const statusNamed = (value: string): string => STATUSES.find((status) => status.toLowerCase() === value.toLowerCase()) ?? value;

/** A column that may be null in the one table and is empty for it in the other; `*` means that there is one. */
function present(ofStatements: PgColumn, ofHours: PgColumn, glob: string): { statements: SQL; hours: SQL } {
  return {
    // Said twice, so that the index of those that have one serves patterns too.
    statements: sql`(${ofStatements} is not null and ${named(ofStatements, glob)})`,
    hours: sql`(${ofHours} <> '' and ${named(ofHours, glob)})`,
  };
}

async function maskedLike(store: Call['store'], glob: string): Promise<SQL> {
  const pattern = `%${globPattern(glob)}%`;
  const found = await store
    .select({ id: statementMasks.id })
    .from(statementMasks)
    .where(sql`exists (select 1 from unnest(${statementMasks.columns}) c where c like ${pattern})`);
  const byContent = sql`(${statements.detected} is not null
    and exists (select 1 from jsonb_array_elements(${statements.detected}) d where d->>'detector' like ${pattern}))`;
  if (found.length === 0) return byContent;
  const ids = found.map(({ id }) => id);
  return sql`((${statements.maskId} is not null and ${anyOf(statements.maskId, ids, 'bigint')}) or ${byContent})`;
}

/**
 * Whatever they decided; `*` finds everything that somebody decided on. Who decided on a COMMIT decided on its whole transaction: its
 * statements are found by their session, of which there is an index.
 */
async function reviewedBy(store: Call['store'], glob: string): Promise<SQL> {
  const decided = sql`(${statements.reviewers} is not null
    and exists (select 1 from jsonb_array_elements(${statements.reviewers}) r where ${named(sql`(r->>'name')`, glob)}))`;
  const commits = await store
    .selectDistinct({ session: statements.sessionId, transaction: statements.transactionId })
    .from(statements)
    .innerJoin(statementForms, eq(statementForms.id, statements.formId))
    .where(and(decided, isNotNull(statements.transactionId), eq(statementForms.kind, 'COMMIT')));
  if (commits.length === 0) return decided;
  const sessions = [...new Set(commits.map(({ session }) => session))];
  const transactions = commits.map(({ transaction }) => transaction ?? '');
  return sql`(${decided} or (${anyOf(statements.sessionId, sessions, 'text')} and ${anyOf(statements.transactionId, transactions, 'text')}))`;
}

/** A value is it, or values have all its words. */
function hasWords(key: Buffer, text: string): SQL {
  const [whole, ...parts] = termsOf(text);
  const held = (terms: readonly string[]): SQL =>
    sql`${statements.words} @> ${sql.param(terms.map((term) => wordOf(key, term).toString()))}::bigint[]`;
  if (whole === undefined) return sql`false`;
  // Where the parts are not all of it (`100_ a`), they alone would find too much.
  const rest = parts.reduce((text, part) => text.replaceAll(part, ''), whole);
  const all = parts.length > 0 && !(parts.length === 1 && parts[0] === whole) && !/[\p{L}\p{N}_]/u.test(rest);
  return all ? sql`(${held([whole])} or ${held(parts)})` : held([whole]);
}

function compared(column: PgColumn, comparison: Comparison, value: number): SQL {
  switch (comparison) {
    case '=':
      return eq(column, value);
    case '>':
      return gt(column, value);
    case '>=':
      return gte(column, value);
    case '<':
      return lt(column, value);
    case '<=':
      return lte(column, value);
    default:
      return comparison satisfies never;
  }
}
