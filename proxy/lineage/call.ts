import type { FunctionInfo } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { flag, list, type SqlNode, text } from '../sql/tree';
import { aggregateUses, orderedValues } from './aggregate';
import type { Analysis, At } from './analysis';
import { followBody } from './body';
import { relationOfRow } from './column';
import { expression } from './expression';
import { figureName } from './outputName';
import type { ScopeColumn } from './scope';
import { candidates, type OutputColumn, outputsOf } from './signature';
import { isTotalFunction } from './total';
import { converted } from './types';
import { counted, derived, either, NONE, rowOf, type Value } from './value';

/** A call, with what is known of everything it may mean. */
interface Call {
  name: string;
  found: readonly FunctionInfo[];
  args: readonly Value[];
  /** The columns that the bodies of user-defined functions give; null for a function without one. */
  bodies: readonly (readonly ScopeColumn[] | null)[];
  /** What it returns, when that is the same for all it may mean. */
  outputs: readonly OutputColumn[] | null;
  typeOid: number;
}

function follow(at: At, node: SqlNode): Call {
  const items = list(node, 'args');
  const args = items.map((item) => expression(at, item));
  const names = items.map((item) => (item.tag === 'NamedArgExpr' ? text(item, 'name') : null));
  const within = flag(node, 'agg_within_group');
  const all = within ? [...args, ...orderedValues(at, node)] : args;
  aggregateUses(at, node, within);
  const call = { ...meaning(at, node, all, names), args: all };
  const followed = call.bodies.length > 0 && call.bodies.every((body) => body !== null);
  const field = projection(node, call) !== null;
  if (!followed && !field && !isTotalFunction(call.name, all)) at.analysis.hazard(either(all), `function ${call.name}()`);
  return call;
}

function meaning(at: At, node: SqlNode, args: readonly Value[], names: readonly (string | null)[]): Omit<Call, 'args'> {
  const { analysis } = at;
  const found = candidates(analysis.catalog, analysis.searchPath, node, args.length);
  const bodies = found.map((item) => followBody(at, item, { values: args, names }));
  for (const [index, item] of found.entries())
    if (bodies[index] === null && item.source !== null) analysis.opaque.add(`function ${item.schema}.${item.name}() in ${item.language}`);
  const { name } = qualifiedName(list(node, 'funcname'));
  const shapes = outputsOf(analysis.catalog, found, args);
  return { name, found, bodies, outputs: shapes.outputs, typeOid: shapes.typeOid };
}

/** What a call gives in an expression. */
export function callValue(at: At, node: SqlNode): Value {
  const call = follow(at, node);
  const field = projection(node, call);
  if (field !== null) return field;
  makesRows(at.analysis, node, call);
  return resultOf(node, call);
}

/** `f(row)`, where no function has that name, is `row.f`. */
function projection(node: SqlNode, { found, args, name }: Call): Value | null {
  const [row] = args;
  if (found.length > 0 || args.length !== 1 || row === undefined || list(node, 'funcname').length !== 1) return null;
  return row.fields?.get(name) ?? null;
}

/** `row.f`, where the row has no column f, is `f(row)`: null when no function has that name. */
export function attributeCall(at: At, name: string, row: Value): Value | null {
  const node: SqlNode = { tag: 'FuncCall', funcname: [{ tag: 'String', sval: name }] };
  const call = { ...meaning(at, node, [row], [null]), args: [row] };
  return call.found.length === 0 ? null : resultOf(node, call);
}

function resultOf(node: SqlNode, call: Call): Value {
  const { args, found, bodies, typeOid } = call;
  if (flag(node, 'agg_star')) return NONE;
  if (call.name === 'count' && found.every((item) => item.schema === 'pg_catalog') && !flag(node, 'agg_distinct')) return counted(args);
  const aggregate = found.some((item) => item.kind === 'aggregate');
  const values = [...args, ...bodies.flatMap((columns) => (columns ?? []).map((column) => column.value))];
  const value = { ...derived(values, aggregate ? 'aggregated' : 'transformed'), typeOid };
  const columns = bodyColumns(call);
  return columns === null || columns.length < 2 ? value : { ...value, fields: rowOf(columns).fields };
}

/** A function that returns a set decides by its arguments how many rows there are; one whose body is followed, by what its body says. */
function makesRows(analysis: Analysis, node: SqlNode, { name, found, args, bodies }: Call): void {
  if (!found.some((item) => item.returnsSet)) return;
  // A strict function gives no rows for NULL.
  const followed = bodies.every((body) => body !== null);
  analysis.use(node, either(args), followed ? 'null test' : 'other', `function ${name}(), which makes rows`);
}

/** The columns of the result where bodies give each of them. */
function bodyColumns({ outputs, bodies, name, args, found }: Call, alias: string | null = null): ScopeColumn[] | null {
  if (outputs === null || bodies.length === 0) return null;
  const rows = bodies.map((body) => (body === null ? null : spread(body, outputs.length)));
  if (rows.some((row) => row === null || row.length !== outputs.length)) return null;
  // A strict function gives NULL for NULL; one that returns a set, no rows.
  const strict = found.some((item) => item.returnsSet) ? [] : args.filter(({ sources }) => sources.size > 0);
  return outputs.map((output, index) => {
    // What a body gives is turned into the type that the function is declared with.
    const values = rows.map((row) => converted(row?.[index] ?? NONE, output.typeOid));
    return { name: output.name ?? alias ?? name, value: either(strict.length === 0 ? values : [...values, counted(strict)]) };
  });
}

/** A body may give the row as one value. */
function spread(body: readonly ScopeColumn[], width: number): readonly Value[] {
  const fields = body.length === 1 && width > 1 ? body[0]?.value.fields : null;
  return fields ? [...fields.values()] : body.map((column) => column.value);
}

/** What a call gives as a row source. `columns` null when their names are not known. */
export interface CallColumns {
  columns: readonly ScopeColumn[] | null;
  any: Value;
  typeOid: number;
}

/** @param alias the name its one column gets when it returns a scalar */
export function callColumns(at: At, node: SqlNode, definitions: readonly SqlNode[], alias: string | null): CallColumns {
  if (node.tag !== 'FuncCall') {
    // What is written as something else than a call: current_date, coalesce(…).
    const value = expression(at, node);
    const any = { ...derived([value]), typeOid: value.typeOid };
    const fields = relationOfRow(at, value)?.columns.map(({ name, typeOid }) => ({ name, value: { ...derived([value]), typeOid } }));
    const columns = defined(definitions, any) ?? fields ?? [{ name: alias ?? figureName(node), value: any }];
    return { columns, any, typeOid: fields === undefined ? 0 : value.typeOid };
  }
  const call = follow(at, node);
  makesRows(at.analysis, node, call);
  const any = { ...resultOf(node, call), fields: null };
  const { outputs, name, typeOid } = call;
  const given = defined(definitions, any);
  if (given !== null || outputs === null) return { columns: given, any, typeOid: 0 };
  const columns =
    bodyColumns(call, alias) ??
    outputs.map((output) => ({ name: output.name ?? alias ?? name, value: { ...any, typeOid: output.typeOid } }));
  return { columns, any, typeOid: outputs.length > 1 ? typeOid : 0 };
}

/** `AS t (a int, b text)` says what the columns of a record are. */
function defined(definitions: readonly SqlNode[], value: Value): ScopeColumn[] | null {
  return definitions.length === 0 ? null : definitions.map((item) => ({ name: text(item, 'colname') ?? '', value }));
}

/** The columns that `(f(…)).*` stands for; null when they are not known. */
export function resultColumns(at: At, node: SqlNode): readonly ScopeColumn[] | null {
  const { columns } = callColumns(at, node, [], null);
  return columns;
}
