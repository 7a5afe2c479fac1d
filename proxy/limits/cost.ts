import type { StatementFacts } from '../sql/types';

/** What the server is asked: EXPLAIN of a text, or why it cannot be. */
export type CostQuestion = { kind: 'explain'; sql: string; prefix: number } | { kind: 'unknown'; why: string };

const PREFIX = 'EXPLAIN (FORMAT JSON) ';
/** First words of statements that have a plan. */
const PLANNED: ReadonlySet<string> = new Set([
  ...['SELECT', 'SELECT FOR UPDATE', 'SELECT INTO', 'VALUES', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'],
  ...['DECLARE', 'EXECUTE'],
]);
/** CREATE … AS has a plan where it has a query. */
const FILLED: ReadonlySet<string> = new Set(['CREATE TABLE', 'CREATE MATERIALIZED VIEW']);
const isPlanned = ([first = '', ...rest]: readonly string[]) => PLANNED.has(first) || (FILLED.has(first) && rest.length > 0);
/** Statements whose work is a query that EXPLAIN does not take from them. */
const HIDDEN: ReadonlySet<string> = new Set(['EXPLAIN', 'COPY TO', 'REFRESH MATERIALIZED VIEW']);

/** Whether a statement has a cost that can be, or would have to be, estimated. EXPLAIN without ANALYZE has none: it runs nothing. */
export function hasCost({ commands }: Pick<StatementFacts, 'commands'>): boolean {
  const [first] = commands;
  if (first === undefined || first === 'PREPARE') return false;
  if (first === 'EXPLAIN') return commands.length > 1;
  return isPlanned(commands) || HIDDEN.has(first) || commands.includes('COPY TO');
}

/** How a statement's cost is asked for. Pure. */
export function costQuestion(facts: Pick<StatementFacts, 'commands'>, text: string): CostQuestion {
  const [first] = facts.commands;
  if (isPlanned(facts.commands)) return { kind: 'explain', sql: `${PREFIX}${text}`, prefix: PREFIX.length };
  const inner = first === 'EXPLAIN' ? /^\s*explain\s+(?:\([^()]*\)|(?:analyze|verbose)\b\s*)*\s*/i.exec(text)?.[0] : undefined;
  if (inner !== undefined && inner.length < text.length)
    return { kind: 'explain', sql: `${PREFIX}${text.slice(inner.length)}`, prefix: PREFIX.length - inner.length };
  const copied = facts.commands.includes('COPY TO') ? copiedQuery(text) : null;
  if (copied !== null) return { kind: 'explain', sql: `${PREFIX}${copied.query}`, prefix: PREFIX.length - copied.start };
  return { kind: 'unknown', why: `EXPLAIN does not take ${first ?? 'it'} as it is written` };
}

/** The query of COPY (query) TO, and the plain form of COPY table TO. */
function copiedQuery(text: string): { query: string; start: number } | null {
  const table = /^\s*copy\s+((?:"(?:[^"]|"")+"|[\w.$])+)\s*(?:\([^()]*\))?\s+to\b/i.exec(text);
  if (table?.[1] !== undefined) return { query: `SELECT * FROM ${table[1]}`, start: 0 };
  const open = /^\s*copy\s*\(/i.exec(text)?.[0].length;
  // A query that ends elsewhere is no SQL, and the server says so.
  const close = text.toLowerCase().lastIndexOf(')', text.toLowerCase().lastIndexOf(' to '));
  return open === undefined || close <= open ? null : { query: text.slice(open, close), start: open };
}

/** The total cost EXPLAIN (FORMAT JSON) estimates; null where the answer has none. */
export function readCost(cell: string | null): number | null {
  try {
    const [plan] = JSON.parse(cell ?? '') as { Plan?: { 'Total Cost'?: unknown } }[];
    const cost = plan?.Plan?.['Total Cost'];
    return typeof cost === 'number' && Number.isFinite(cost) ? cost : null;
  } catch {
    return null;
  }
}
