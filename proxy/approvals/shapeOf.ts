import { createHash } from 'node:crypto';
import type { RelationUse } from '../../db/schema/shapes';
import { parseStatements } from '../sql/parse';
import type { SqlNode, SqlValue } from '../sql/tree';
import type { StatementFacts } from '../sql/types';

export interface Shape {
  /** SHA-256, hex. */
  digest: string;
  /** It covers this very text with these parameters, and nothing else. */
  exact: boolean;
}

const DATA_STATEMENTS: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
const COMPARISONS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
/** Where something stands in the text. */
const PLACES: ReadonlySet<string> = new Set(['location', 'stmt_location', 'stmt_len', 'list_start', 'list_end', 'rexpr_list_start']);

/**
 * What a grant covers: the statement with other values where a value is data and nothing more, that is compared with a column, stored in
 * one by SET, or a cell of the VALUES of an INSERT: elsewhere a cell of VALUES can end up as an argument or in a cast. Everything else has
 * to be the same: an argument of a function, a cast (`'t'::regclass`), LIMIT, LIKE, NULL, booleans, how many items a list has.
 * Statements that do more than read or write rows (SET, COPY, DO, EXECUTE, files …), that are unbounded, or whose effects cannot be known
 * are covered by their exact text and parameters alone. Pure.
 *
 * @param scope what else has to be the same, in any order that is always the same: who, where, by which rule
 */
export function shapeOf(
  sql: string,
  judged: readonly { facts: StatementFacts; relations: readonly RelationUse[] }[],
  { parameters, scope }: { parameters: Uint8Array; scope: readonly string[] },
): Shape {
  const reduced = judged.every(({ facts }) => isPlain(facts)) ? reduce(sql) : null;
  const hash = createHash('sha256');
  const add = (part: string | Uint8Array) => {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  };
  for (const part of scope) add(part);
  for (const statement of judged) add(reach(statement));
  add(reduced === null ? 'text' : 'shape');
  add(reduced?.shape ?? sql);
  // A parameter that is not data alone has to be the same; which bytes are whose is not worth finding out.
  if (reduced === null || !reduced.parametersAreData) add(parameters);
  return { digest: hash.digest('hex'), exact: reduced === null };
}

/** Of anything else (files, other backends, settings) a value may say what is acted on. */
const ROW_EFFECTS: ReadonlySet<string> = new Set(['read', 'insert', 'update', 'delete', 'merge', 'lock']);

const isPlain = (facts: StatementFacts): boolean =>
  facts.complete && facts.unboundedWrites.length === 0 && [...facts.effects].every((effect) => ROW_EFFECTS.has(effect));

/** What the catalog says it touches: another table of the name, or a trigger made since, was never looked at by a reviewer. */
const reach = ({ facts, relations }: { facts: StatementFacts; relations: readonly RelationUse[] }): string =>
  JSON.stringify([[...facts.effects].sort(), relations.map(({ name, access }) => `${access} ${name}`).sort()]);

/** Null where only the exact text will do. */
function reduce(sql: string): { shape: string; parametersAreData: boolean } | null {
  const statements = parse(sql);
  if (statements === null || statements.length === 0) return null;
  if (statements.some(({ node, unknown }) => unknown.length > 0 || !DATA_STATEMENTS.has(node.tag))) return null;
  const walk = new Reduction();
  const shape = JSON.stringify(statements.map(({ node }) => walk.node(node)));
  return { shape, parametersAreData: walk.parametersAreData };
}

function parse(sql: string) {
  try {
    return parseStatements(sql);
  } catch {
    return null;
  }
}

class Reduction {
  parametersAreData = true;
  /** The VALUES of an INSERT. */
  readonly #stored = new Set<SqlNode>();

  node(node: SqlNode): unknown {
    if (node.tag === 'ParamRef') this.parametersAreData = false;
    return Object.entries(node)
      .filter(([field]) => !PLACES.has(field))
      .map(([field, value]) => [field, this.#field(node, field, value)]);
  }

  #field(parent: SqlNode, field: string, value: SqlValue): unknown {
    if (parent.tag === 'InsertStmt' && field === 'selectStmt' && isNode(value)) this.#stored.add(value);
    if (!isData(parent, field) && !(field === 'valuesLists' && this.#stored.has(parent))) return this.#value(value);
    if (isList(value)) return value.map((item) => this.#datum(item));
    return isNode(value) ? this.#datum(value) : value;
  }

  #value(value: SqlValue): unknown {
    if (isList(value)) return value.map((item) => this.node(item));
    return isNode(value) ? this.node(value) : value;
  }

  /** A literal here is data; what is no literal is looked at like everything else. */
  #datum(node: SqlNode): unknown {
    switch (node.tag) {
      case 'A_Const': {
        const kind = ['ival', 'fval', 'sval'].find((name) => node[name] !== undefined);
        return kind === undefined ? this.node(node) : `?${kind}`;
      }
      case 'ParamRef':
        return ['parameter', node.number ?? 0];
      // The items of SET, and the rows of VALUES.
      case 'ResTarget':
        return Object.entries(node)
          .filter(([field]) => !PLACES.has(field))
          .map(([field, value]) => [field, field === 'val' && isNode(value) ? this.#datum(value) : this.#value(value)]);
      case 'List':
        return ['List', isList(node.items) ? node.items.map((item) => this.#datum(item)) : null];
      default:
        return this.node(node);
    }
  }
}

/** Whether a literal in this field is compared with a column, or stored in one. */
function isData(parent: SqlNode, field: string): boolean {
  switch (parent.tag) {
    case 'A_Expr': {
      if (parent.kind !== 'AEXPR_OP' && parent.kind !== 'AEXPR_IN') return false;
      const names = isList(parent.name) ? parent.name : [];
      const operator = names.length === 1 ? names[0]?.sval : undefined;
      if (typeof operator !== 'string' || !COMPARISONS.has(operator)) return false;
      const other = field === 'rexpr' ? parent.lexpr : field === 'lexpr' ? parent.rexpr : undefined;
      return isNode(other) && other.tag === 'ColumnRef';
    }
    case 'UpdateStmt':
      return field === 'targetList';
    default:
      return false;
  }
}

function isNode(value: SqlValue): value is SqlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: SqlValue): value is readonly SqlNode[] {
  return Array.isArray(value);
}
