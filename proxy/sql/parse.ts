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

/** Loads the grammar (WebAssembly, about 17 MB). Once per process; parsing before that throws. */
export async function loadParser(): Promise<void> {
  await loadModule();
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
  const raw = parseRaw(text);
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

/** libpg-query counts bytes; JavaScript counts UTF-16 units. Plain ASCII texts need no conversion. */
function byteSlicer(text: string): (start: number, end: number | null) => { text: string; offset: number } {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === text.length) return (start, end) => ({ text: text.slice(start, end ?? undefined), offset: start });
  return (start, end) => ({
    text: bytes.toString('utf8', start, end ?? bytes.length),
    offset: bytes.toString('utf8', 0, start).length,
  });
}
