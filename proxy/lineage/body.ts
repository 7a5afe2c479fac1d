import type { FunctionInfo } from '../catalog/types';
import { type ParsedStatement, parseStatements } from '../sql/parse';
import { child, list, type SqlNode } from '../sql/tree';
import type { At, SearchPath } from './analysis';
import { changeColumns } from './change';
import { expression } from './expression';
import { queryColumns } from './query';
import { newScope, type ScopeColumn, UnresolvedError } from './scope';
import { derived, NONE, type Value } from './value';

/** What a call hands to a function. `names` has one entry an argument: of `name => value`, else null. */
export interface Arguments {
  values: readonly Value[];
  names: readonly (string | null)[];
}

/**
 * The columns that a user-defined function in SQL returns for these arguments, from its body. Null for PostgreSQL's own, whose results
 * are computed from their arguments alone, and for what has no body that can be read: whether such a function may run at all is
 * decided where effects are.
 * @throws UnresolvedError when the body is SQL and cannot be followed
 */
export function followBody(at: At, item: FunctionInfo, args: Arguments): readonly ScopeColumn[] | null {
  const { analysis } = at;
  const statements = bodyOf(item);
  if (statements === null) return null;
  if (analysis.following.has(item.oid)) throw new UnresolvedError(`function ${item.schema}.${item.name}() calls itself`);
  analysis.following.add(item.oid);
  try {
    const parameters = parametersOf(at, item, args);
    const session = item.searchPath === null ? analysis.sessionPath : pathOf(item.searchPath);
    // A body that PostgreSQL keeps as a tree is text of its own making, as that of a view is.
    const names = isParsed(item) ? ['pg_catalog'] : session;
    return analysis.withFrame({ functionName: item.name, parameters, names, session }, () => {
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

function parametersOf(at: At, item: FunctionInfo, { values, names }: Arguments): ScopeColumn[] {
  const inputs = item.arguments.filter(({ mode }) => mode === 'i' || mode === 'b' || mode === 'v');
  return inputs.map((input, index): ScopeColumn => {
    if (input.mode === 'v' && names[index] === null) return { name: input.name, value: derived(values.slice(index)) };
    const named = input.name === '' ? -1 : names.indexOf(input.name);
    const given = named >= 0 ? values[named] : names[index] === null ? values[index] : undefined;
    // A value of its own, by which it is known to be an argument.
    return { name: input.name, value: { ...(given ?? defaultOf(at, item, inputs.length - index)), typeOid: input.typeOid } };
  });
}

/** What stands in for an argument that a call leaves out. @param fromEnd its position, from 1 at the last */
function defaultOf(at: At, item: FunctionInfo, fromEnd: number): Value {
  if (item.defaults === null) return NONE;
  const target = list(defaultsOf(item), 'targetList').at(-fromEnd);
  const value = child(target ?? null, 'val');
  if (value === null) return NONE;
  const { analysis } = at;
  const frame = { functionName: '', parameters: [], names: ['pg_catalog'], session: analysis.sessionPath };
  return analysis.withFrame(frame, () => expression({ analysis, scope: newScope(null), ctes: null }, value));
}

function defaultsOf(item: FunctionInfo): SqlNode {
  try {
    const [parsed] = parseStatements(`SELECT ${item.defaults}`);
    if (parsed !== undefined && parsed.unknown.length === 0) return parsed.node;
  } catch {
    // Not SQL to this grammar.
  }
  throw new UnresolvedError(`the defaults of ${item.schema}.${item.name}() could not be read`);
}

/** `"$user"` stands for whoever runs it. */
function pathOf(setting: string): SearchPath {
  const schemas = [...setting.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map((match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  return schemas.includes('$user') ? null : schemas.filter((schema) => schema !== '');
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

const ATOMIC = /^\s*BEGIN\s+ATOMIC\b([\s\S]*)\bEND\s*$/i;
const RETURN = /^\s*RETURN\b([\s\S]*)$/i;

const isParsed = (item: FunctionInfo): boolean => ATOMIC.test(item.source ?? '') || RETURN.test(item.source ?? '');

/** pg_get_function_sqlbody gives `BEGIN ATOMIC … END` or `RETURN …`, neither of which is a statement by itself. */
function unwrapped(source: string): string {
  const atomic = ATOMIC.exec(source);
  if (atomic !== null) return atomic[1] ?? '';
  const returns = RETURN.exec(source);
  return returns === null ? source : `SELECT (${(returns[1] ?? '').trim()})`;
}
