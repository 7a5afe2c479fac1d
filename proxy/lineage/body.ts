import type { FunctionInfo } from '../catalog/types';
import { type ParsedStatement, parseStatements } from '../sql/parse';
import { child, type SqlNode } from '../sql/tree';
import type { At } from './analysis';
import { changeColumns } from './change';
import { expression } from './expression';
import { queryColumns } from './query';
import { newScope, type ScopeColumn, UnresolvedError } from './scope';
import { either, type Value } from './value';

/**
 * The columns that a user-defined function in SQL returns for these arguments, from its body. Null for PostgreSQL's own, whose results
 * are computed from their arguments alone, and for what has no body that can be read: whether such a function may run at all is
 * decided where effects are.
 * @throws UnresolvedError when the body is SQL and cannot be followed
 */
export function followBody(
  at: At,
  item: FunctionInfo,
  args: readonly Value[],
  argumentNames: readonly (string | null)[],
): readonly ScopeColumn[] | null {
  const { analysis } = at;
  const statements = bodyOf(item);
  if (statements === null) return null;
  if (analysis.following.has(item.oid)) throw new UnresolvedError(`function ${item.schema}.${item.name}() calls itself`);
  analysis.following.add(item.oid);
  try {
    const inputs = item.arguments.filter(({ mode }) => mode === 'i' || mode === 'b' || mode === 'v');
    const parameters = inputs.map((input, index): ScopeColumn => {
      const named = argumentNames.indexOf(input.name);
      const given = input.mode === 'v' ? args.slice(index) : [args[named >= 0 && input.name !== '' ? named : index] ?? []].flat();
      return { name: input.name, value: either(given) };
    });
    return analysis.withParameters(item.name, parameters, () => {
      let columns: readonly ScopeColumn[] = [];
      const scope = newScope(null);
      scope.parameters = parameters.filter((parameter) => parameter.name !== '');
      for (const { node } of statements) columns = statementColumns({ analysis, scope, ctes: null }, node);
      return columns;
    });
  } finally {
    analysis.following.delete(item.oid);
  }
}

function statementColumns(at: At, node: SqlNode): readonly ScopeColumn[] {
  switch (node.tag) {
    case 'SelectStmt':
      return queryColumns(at.analysis, node, at);
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return changeColumns(at.analysis, node, at);
    case 'ReturnStmt': {
      const value = child(node, 'returnval');
      return value === null ? [] : [{ name: 'value', value: expression(at, value) }];
    }
    default:
      throw new UnresolvedError(`${node.tag} in the body of a function`, node);
  }
}

const bodies = new WeakMap<FunctionInfo, readonly ParsedStatement[] | null>();

/** The statements of a function in SQL; null when it is in another language, or its text is none that the grammar takes. */
export function bodyOf(item: FunctionInfo): readonly ParsedStatement[] | null {
  const known = bodies.get(item);
  if (known !== undefined) return known;
  let statements: readonly ParsedStatement[] | null = null;
  if (item.language === 'sql' && item.source !== null && !item.unreadable && item.kind === 'function') {
    try {
      const parsed = parseStatements(unwrapped(item.source));
      if (parsed.every((statement) => statement.unknown.length === 0)) statements = parsed;
    } catch {
      // Not SQL to this grammar: it is as opaque as another language.
    }
  }
  bodies.set(item, statements);
  return statements;
}

/** pg_get_function_sqlbody gives `BEGIN ATOMIC … END` or `RETURN …`, neither of which is a statement by itself. */
function unwrapped(source: string): string {
  const atomic = /^\s*BEGIN\s+ATOMIC\b([\s\S]*)\bEND\s*$/i.exec(source);
  if (atomic !== null) return atomic[1] ?? '';
  const returns = /^\s*RETURN\b([\s\S]*)$/i.exec(source);
  return returns === null ? source : `SELECT (${(returns[1] ?? '').trim()})`;
}
