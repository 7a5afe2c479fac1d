import type { Relation } from '../catalog/types';
import { child, flag, list, names, type SqlNode, text } from '../sql/tree';
import type { At } from './analysis';
import { attributeCall } from './call';
import { childValues, expression } from './expression';
import { columnOf, findColumn, findItem, rowValue, type ScopeItem, UnresolvedError } from './scope';
import { derived, type Value } from './value';

/** What a ColumnRef means: a column, a row, a function of one. */
export function columnRef(at: At, node: SqlNode): Value {
  const fields = list(node, 'fields');
  const path = names(fields);
  const name = path.at(-1) ?? '';
  if (fields.at(-1)?.tag === 'A_Star') {
    if (path.length > 0) return rowValue(itemAt(at, path, node));
    return derived(at.scope.items.filter((item) => item.open).map(rowValue), 'whole row');
  }
  if (path.length === 1) return bareColumn(at, name, node);
  const item = findItem(at.scope, path.at(-3) ?? null, path.at(-2) ?? '');
  if (item === null) return parameterField(at, path, node);
  const column = columnOf(item, name);
  if (column !== null && item.columns !== null) return column;
  // `c.f` is f(c) when c has no column f.
  const called = attributeCall(at, name, rowValue(item));
  if (column !== null) return called === null ? column : derived([column, called]);
  if (called === null) throw new UnresolvedError(`column ${path.join('.')} is not known`, node);
  return called;
}

function bareColumn(at: At, name: string, node: SqlNode): Value {
  const column = findColumn(at.scope, name);
  if (column?.certain) return column.value;
  const whole = findItem(at.scope, null, name);
  const parameter = whole === null ? at.analysis.parameterNamed([name]) : rowValue(whole);
  if (column !== null) return parameter === null ? column.value : derived([column.value, parameter]);
  if (parameter === null) throw new UnresolvedError(`column ${name} is not known`, node);
  return parameter;
}

/** In a function's body: `function.parameter`, `parameter.field`, `function.parameter.field`. */
function parameterField(at: At, path: readonly string[], node: SqlNode): Value {
  const parameter = at.analysis.parameterNamed(path);
  if (parameter !== null) return parameter;
  const row = at.analysis.parameterNamed(path.slice(0, -1));
  if (row === null) throw new UnresolvedError(`${path.slice(0, -1).join('.')} is not in scope`, node);
  return fieldOf(at, row, path.at(-1) ?? '');
}

/** `(row).name`: a field, or a function of the row. */
function fieldOf(at: At, row: Value, name: string): Value {
  const field = row.fields?.get(name);
  if (field !== undefined) return field;
  const relation = relationOfRow(at, row);
  const column = relation?.columns.find((each) => each.name === name);
  if (column !== undefined) return { ...derived([row]), typeOid: column.typeOid };
  const called = attributeCall(at, name, row);
  return called === null ? derived([row]) : derived([row, called]);
}

/** What the names in front of `.*` mean. */
export function itemAt(at: At, path: readonly string[], node: SqlNode): ScopeItem {
  const name = path.at(-1) ?? '';
  const item = findItem(at.scope, path.at(-2) ?? null, name);
  if (item === null) throw new UnresolvedError(`${path.join('.')} is not in scope`, node);
  return item;
}

/** The columns of a row value, by name. */
export function fieldsOf(at: At, value: Value, node: SqlNode): [string, Value][] {
  if (value.fields !== null) return [...value.fields];
  const relation = relationOfRow(at, value);
  if (relation === undefined) throw new UnresolvedError('the fields of a row value are not known', node);
  return relation.columns.map((column) => [column.name, { ...derived([value]), typeOid: column.typeOid }]);
}

/** The relation, or composite type, whose columns a row value has. */
export function relationOfRow(at: At, value: Value): Relation | undefined {
  const { catalog } = at.analysis;
  let type = catalog.types.get(value.typeOid);
  while (type !== undefined && type.baseOid !== 0) type = catalog.types.get(type.baseOid);
  return catalog.relations.get(type?.relationOid ?? 0);
}

/** `(value).field[subscript]`. */
export function indirection(at: At, node: SqlNode, steps: readonly SqlNode[]): Value {
  const of = child(node, 'arg');
  if (of === null) throw new UnresolvedError(`${node.tag} of nothing`, node);
  let value = expression(at, of);
  for (const step of steps) {
    if (step.tag === 'String') value = fieldOf(at, value, text(step, 'sval') ?? '');
    else if (step.tag === 'A_Star') value = derived([value]);
    else value = { ...derived([value, ...childValues(at, step)]), typeOid: subscripted(at, value, step) };
  }
  return value;
}

/** What a subscript gives: of an array an element, or a slice of the array itself. */
function subscripted(at: At, value: Value, step: SqlNode): number {
  const type = at.analysis.catalog.types.get(value.typeOid);
  return type === undefined || flag(step, 'is_slice') ? value.typeOid : type.elementOid;
}
