import type { CatalogSnapshot, Relation } from '../../catalog/types';
import { Analysis } from '../../lineage/analysis';
import { relationNamed } from '../../lineage/relation';
import { UnresolvedError } from '../../lineage/scope';
import { qualifiedName, quoteName } from '../../sql/quote';
import { flag, number, type SqlNode, text } from '../../sql/tree';
import type { MaskIndex } from '../columns';
import { maskExpression } from '../sql/maskExpression';
import { aliasOf, type ColumnReference, type Reference, referencesOf } from './references';
import type { Edit } from './splice';
import { type Token, tokensOf } from './tokens';

/** A relation whose masked columns are to be read masked, and is not replaced. */
export interface Obstacle {
  /** `schema.table` */
  relation: string;
  why: string;
}

/** How one statement is rewritten: offsets are UTF-16 units of the whole text. */
export interface Rewriting {
  edits: readonly Edit[];
  /**
   * The same with each masked column a NULL of its type that comes from nowhere: what the lineage of it says is what the rewritten statement
   * can still show of columns that are not replaced.
   */
  shadow: readonly Edit[];
  obstacles: readonly Obstacle[];
  /** What is read through which masks, however the statement spells it: another mask, another one. */
  reads: string;
}

export interface RewriteContext {
  catalog: CatalogSnapshot;
  masks: Pick<MaskIndex, 'byOrigin'>;
  /** Null when it is not known: then a name stays as the client wrote it, and means what the server takes it for. */
  searchPath: readonly string[] | null;
}

/** A statement of a whole text. */
export interface StatementPlace {
  node: SqlNode;
  /** The whole text, which `start` and `end` (UTF-16) are offsets of. */
  whole: string;
  start: number;
  end: number;
}

/** Sub-selects of one statement, UTF-16 units: a text of a megabyte may name a relation a hundred thousand times. */
const MAX_ADDED = 4 * 1024 * 1024;

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/**
 * Replaces each reference to a relation that has columns with `inference: masked` by a sub-select that shows them masked. Null when the
 * statement names no such relation. Pure.
 */
export function rewrite(place: StatementPlace, context: RewriteContext): Rewriting | null {
  const { relations, columns } = referencesOf(place.node);
  const named = relations.flatMap((reference) => maskedRelation(reference, context));
  if (named.length === 0) return null;
  const text = tokenizer(place);
  const edits: Edit[] = [];
  const shadow: Edit[] = [];
  const obstacles: Obstacle[] = [];
  const replaced: Replaced[] = [];
  const system = systemColumns(columns);
  let added = 0;
  for (const { reference, relation } of named) {
    const obstacle =
      reference.obstacle ?? systemColumn(reference, relation, system) ?? (added > MAX_ADDED ? 'the statement would be too long' : null);
    const extent = obstacle === null ? extentOf(reference.node, text) : null;
    if (extent === null) {
      obstacles.push({ relation: `${relation.schema}.${relation.name}`, why: obstacle ?? 'its place in the text is not found' });
      continue;
    }
    const expressions = columnsOf(relation, context, (masked) => masked);
    replaced.push({ relation, alias: aliasOf(reference.node), expressions });
    added += expressions.length;
    const before = extent.table ? 'SELECT * FROM ' : '';
    const after = aliasOf(reference.node) === null ? ` AS ${quoteName(relation.name)}` : '';
    const from = fromOf(reference.node, relation, context);
    const put = (list: string) => `${before}(SELECT ${list} FROM ${from})${after}`;
    edits.push({ start: extent.start, end: extent.end, text: put(expressions) });
    shadow.push({ start: extent.start, end: extent.end, text: put(columnsOf(relation, context, (_, none) => none)) });
  }
  const unqualified = unqualify(columns, replaced, text);
  const reads = replaced.map(({ relation, expressions }) => `${relation.oid}: ${expressions}`).join('\n');
  return { edits: [...edits, ...unqualified], shadow: [...shadow, ...unqualified], obstacles, reads };
}

interface Replaced {
  relation: Relation;
  alias: string | null;
  expressions: string;
}

function maskedRelation(reference: Reference, context: RewriteContext): { reference: Reference; relation: Relation }[] {
  let relation: Relation | null;
  try {
    relation = relationNamed(new Analysis(context.catalog, context.searchPath), reference.node);
  } catch (error) {
    // It may be one of several; the lineage says so.
    if (error instanceof UnresolvedError) return [];
    throw error;
  }
  if (relation === null) return [];
  const { oid } = relation;
  return relation.columns.some(({ number: at }) => context.masks.byOrigin(oid, at)?.inference === 'masked')
    ? [{ reference, relation }]
    : [];
}

/** System columns that the statement names, by what stands in front of them; without anything, by the empty name. */
function systemColumns(columns: readonly ColumnReference[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { names } of columns) {
    const name = names.at(-1) ?? '';
    if (!SYSTEM_COLUMNS.has(name)) continue;
    const of = names.at(-2) ?? '';
    found.set(of, (found.get(of) ?? new Set()).add(name));
  }
  return found;
}

/** A sub-select has none. By name alone: one that could be of this relation counts. */
function systemColumn(reference: Reference, relation: Relation, used: ReadonlyMap<string, ReadonlySet<string>>): string | null {
  for (const of of ['', aliasOf(reference.node) ?? relation.name])
    for (const name of used.get(of) ?? []) if (!relation.columns.some((own) => own.name === name)) return `${name} is a system column`;
  return null;
}

/** The columns in order, so that `*` and a list of names by position mean what they meant. */
function columnsOf(relation: Relation, { masks, catalog }: RewriteContext, pick: (masked: string, none: string) => string): string {
  const all = relation.columns.map((column) => {
    const name = quoteName(column.name);
    const mask = masks.byOrigin(relation.oid, column.number);
    if (mask?.inference !== 'masked') return name;
    const expression = maskExpression(mask.mask, column.typeOid, catalog.types, name);
    const none = maskExpression({ type: 'null' }, column.typeOid, catalog.types, name);
    // The index holds no such column as `masked`.
    if (expression === null || none === null) throw new Error(`the mask of ${mask.column} cannot be said in SQL`);
    return `${pick(expression, none)} AS ${name}`;
  });
  return all.join(', ');
}

function fromOf(node: SqlNode, relation: Relation, { searchPath }: RewriteContext): string {
  const bare = text(node, 'schemaname') === null && searchPath === null;
  const name = bare ? quoteName(relation.name) : qualifiedName(relation.schema, relation.name);
  return flag(node, 'inh') ? name : `ONLY ${name}`;
}

interface Tokens {
  /** The token that begins at a byte of the whole text; -1 when none does. */
  at(byte: number): number;
  get(index: number): (Token & { text: string }) | null;
}

/** Tokens of the statement, found by the places the grammar gives: bytes of the whole text. */
function tokenizer({ whole, start, end }: StatementPlace): Tokens {
  const own = whole.slice(start, end);
  const tokens = tokensOf(own).map((token) => ({ start: token.start + start, end: token.end + start, kind: token.kind }));
  const byByte = new Map<number, number>();
  let byte = Buffer.byteLength(whole.slice(0, start));
  let at = start;
  for (const [index, token] of tokens.entries()) {
    byte += Buffer.byteLength(whole.slice(at, token.start));
    at = token.start;
    byByte.set(byte, index);
  }
  return {
    at: (wanted) => byByte.get(wanted) ?? -1,
    get(index) {
      const token = tokens[index];
      return token === undefined ? null : { ...token, text: whole.slice(token.start, token.end) };
    },
  };
}

/**
 * Where `[TABLE] [ONLY] [(] [schema.]name [)] [*]` stands; null when the text is not as the grammar says. `table`: it is the command TABLE,
 * which is SELECT * FROM.
 */
function extentOf(node: SqlNode, tokens: Tokens): { start: number; end: number; table: boolean } | null {
  let first = tokens.at(number(node, 'location') ?? -1);
  if (first < 0) return null;
  let last = afterName(tokens, first);
  if (text(node, 'schemaname') !== null) {
    if (tokens.get(last)?.text !== '.') return null;
    last = afterName(tokens, last + 1);
  }
  const isWord = (index: number, word: string) => tokens.get(index)?.kind === 'name' && tokens.get(index)?.text.toLowerCase() === word;
  if (!flag(node, 'inh')) {
    if (tokens.get(first - 1)?.text === '(' && isWord(first - 2, 'only')) {
      if (tokens.get(last)?.text !== ')') return null;
      first--;
      last++;
    }
    if (!isWord(first - 1, 'only')) return null;
    first--;
  } else if (tokens.get(last)?.text === '*') last++;
  const table = isWord(first - 1, 'table');
  const start = tokens.get(table ? first - 1 : first)?.start;
  const end = tokens.get(last - 1)?.end;
  return start === undefined || end === undefined ? null : { start, end, table };
}

/** Behind a name, and behind the UESCAPE that belongs to it. */
function afterName(tokens: Tokens, index: number): number {
  const name = tokens.get(index);
  const escapes = name?.kind === 'quoted name' && /^u/i.test(name.text) && tokens.get(index + 1)?.text.toLowerCase() === 'uescape';
  return index + (escapes ? 3 : 1);
}

/** `schema.table.column` of a relation that is a sub-select now: its name is `table` alone. */
function unqualify(columns: readonly ColumnReference[], replaced: readonly Replaced[], tokens: Tokens): Edit[] {
  const bare = new Set(replaced.flatMap(({ relation, alias }) => (alias === null ? [qualifiedName(relation.schema, relation.name)] : [])));
  return columns.flatMap(({ node, names }) => {
    if (names.length < (hasStar(node) ? 2 : 3) || !bare.has(qualifiedName(names[0] ?? '', names[1] ?? ''))) return [];
    const first = tokens.at(number(node, 'location') ?? -1);
    const start = tokens.get(first);
    const table = tokens.get(afterName(tokens, first) + 1);
    return start === null || table === null ? [] : [{ start: start.start, end: table.start, text: '' }];
  });
}

function hasStar(node: SqlNode): boolean {
  const { fields } = node;
  return Array.isArray(fields) && fields.some((field) => field.tag === 'A_Star');
}
