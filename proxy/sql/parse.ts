import { fingerprintSync, loadModule, parseSync, SqlError } from 'libpg-query';
import { type SqlNode, toTree } from './tree';

/** One statement of a text, parsed. */
export interface ParsedStatement {
  node: SqlNode;
  /** Kinds and fields of the tree that the grammar table does not know; such a statement is never complete. */
  unknown: readonly string[];
  /** The statement alone, without surrounding white space, the semicolon or comments in front. */
  text: string;
  /** Where `text` begins in the whole, in UTF-16 units. */
  location: number;
}

/** The text is not SQL that PostgreSQL's grammar accepts. */
export class SqlSyntaxError extends Error {
  readonly sqlstate = '42601';
  /** `position` counts characters from 1, as in ErrorResponse field P; null when the grammar names none. */
  constructor(
    message: string,
    readonly position: number | null,
  ) {
    super(message);
    this.name = 'SqlSyntaxError';
  }
}

/** The text is too large or too deeply nested to be analysed; what cannot be analysed is refused. SQLSTATE 54001. */
export class SqlTooComplexError extends Error {
  readonly sqlstate = '54001';
  constructor(message = 'statement is too complex to be analysed') {
    super(message);
    this.name = 'SqlTooComplexError';
  }
}

/** A text of very many statements would keep the process for seconds. */
export const MAX_STATEMENTS = 2_000;

/** Loads the grammar (WebAssembly, about 17 MB). Once per process; parsing before that throws. */
export async function loadParser(): Promise<void> {
  await loadModule();
}

/** Ordinary statements of several kinds. */
const WARM_TEXTS = [
  'SELECT a, b FROM t JOIN u USING (id) WHERE x = 1 AND y IN (1, 2) ORDER BY 1 LIMIT 5',
  "INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *",
  'WITH w AS (SELECT count(*) FILTER (WHERE a) FROM t GROUP BY b) UPDATE t SET a = $1::int WHERE id = (SELECT 1 FROM w)',
];
const WARM_ROUNDS = 500;
const WARM_PAUSE_MS = 50;

/**
 * Parses until the engine has compiled the grammar for good, a little at a time. The first real statements then cost what later ones do, and
 * the hundred megabytes that compiling takes are taken at start and not in the middle of somebody's result.
 * @param someoneWaits while it says so, nothing is parsed: whoever comes right after the start goes first
 */
export async function warmParser(someoneWaits: () => boolean): Promise<void> {
  for (let round = 0; round < WARM_ROUNDS; round++) {
    for (const text of WARM_TEXTS) {
      parseSync(text);
      fingerprintSync(text);
    }
    await new Promise((resolve) => setImmediate(resolve));
    while (someoneWaits()) await new Promise((resolve) => setTimeout(resolve, WARM_PAUSE_MS));
  }
}

/**
 * Parses a text into its statements; an empty text or one of comments and semicolons alone gives none. Assumes
 * standard_conforming_strings=on and UTF-8, as the session enforces.
 * @throws SqlSyntaxError, SqlTooComplexError
 */
export function parseStatements(text: string): readonly ParsedStatement[] {
  const nul = text.indexOf('\0');
  if (nul >= 0) throw new SqlSyntaxError('invalid NUL character in statement', nul + 1);
  if (text.trim() === '') return [];
  if (semicolons(text) > MAX_STATEMENTS)
    throw new SqlTooComplexError(`The text holds more than ${MAX_STATEMENTS} statements; send them in parts.`);
  const raw = parseRaw(text);
  if ((raw.stmts?.length ?? 0) > MAX_STATEMENTS) throw new SqlTooComplexError();
  const slice = byteSlicer(text);
  return guardDepth(() =>
    (raw.stmts ?? []).map((statement) => {
      const start = statement.stmt_location ?? 0;
      const own = slice(start, statement.stmt_len ? start + statement.stmt_len : null);
      const tree = toTree(statement.stmt);
      return {
        node: tree.root,
        unknown: tree.unknown,
        text: own.text.trim(),
        location: own.offset + (own.text.length - own.text.trimStart().length),
      };
    }),
  );
}

/** libpg-query's fingerprint of one statement, hexadecimal: the same for texts that differ in literals only. Empty when it has none. */
export function fingerprintOf(text: string): string {
  try {
    return fingerprintSync(text);
  } catch {
    return '';
  }
}

/** Runs a recursive analysis; running out of stack becomes SqlTooComplexError. */
export function guardDepth<T>(analyse: () => T): T {
  try {
    return analyse();
  } catch (error) {
    if (error instanceof RangeError) throw new SqlTooComplexError();
    throw error;
  }
}

interface RawResult {
  stmts?: { stmt?: unknown; stmt_location?: number; stmt_len?: number }[];
}

function parseRaw(text: string): RawResult {
  try {
    return parseSync(text) as RawResult;
  } catch (error) {
    if (!(error instanceof SqlError)) throw new SqlTooComplexError();
    if (/memory|stack depth/i.test(error.message)) throw new SqlTooComplexError(error.message);
    const cursor = error.sqlDetails?.cursorPosition;
    throw new SqlSyntaxError(error.message, cursor === undefined ? null : cursor + 1);
  }
}

/** Semicolons outside quotes and comments, before the grammar is asked: an upper bound on the statements of a text that parses. */
function semicolons(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; ) {
    if (text[at] === ';') count++;
    at = afterToken(text, at);
  }
  return count;
}

/** Where the quote, comment or single character at `at` ends. One that is never closed goes to the end, and does not parse. */
function afterToken(text: string, at: number): number {
  const past = (end: string, from: number) => {
    const found = text.indexOf(end, from);
    return found < 0 ? text.length : found + end.length;
  };
  const two = text.slice(at, at + 2);
  if (two === '--') return past('\n', at);
  if (two === '/*') return afterComment(text, at + 2);
  if (text[at] === '"') return past('"', at + 1);
  if (text[at] === "'") return /[eE]/.test(text[at - 1] ?? '') && !isWord(text[at - 2]) ? afterEscapes(text, at + 1) : past("'", at + 1);
  if (text[at] === '$' && !isWord(text[at - 1])) {
    const tag = DOLLAR_QUOTE.exec(text.slice(at, at + 66))?.[0];
    if (tag !== undefined) return past(tag, at + tag.length);
  }
  return at + 1;
}

const DOLLAR_QUOTE = /^\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/;
const isWord = (char: string | undefined) => char !== undefined && /[\w$\u0080-\uffff]/.test(char);

/** Comments nest. */
function afterComment(text: string, from: number): number {
  let depth = 1;
  let at = from;
  while (depth > 0) {
    const close = text.indexOf('*/', at);
    if (close < 0) return text.length;
    const open = text.indexOf('/*', at);
    const opens = open >= 0 && open < close;
    depth += opens ? 1 : -1;
    at = (opens ? open : close) + 2;
  }
  return at;
}

function afterEscapes(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "'") at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/**
 * libpg-query counts bytes; JavaScript counts UTF-16 units. Plain ASCII texts need no conversion, in others the statements come in order
 * and each is counted from the one before.
 */
function byteSlicer(text: string): (start: number, end: number | null) => { text: string; offset: number } {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === text.length) return (start, end) => ({ text: text.slice(start, end ?? undefined), offset: start });
  let byte = 0;
  let unit = 0;
  return (start, end) => {
    if (start < byte) byte = unit = 0;
    unit += bytes.toString('utf8', byte, start).length;
    byte = start;
    return { text: bytes.toString('utf8', start, end ?? bytes.length), offset: unit };
  };
}
