import { child, list, names, number, type SqlNode, text } from '../../sql/tree';
import { type ColumnAt, type Condition, columnOf, type Level } from './level';
import { querySource } from './query';
import { type Source, step } from './source';
import { baseType, findsOne, INTEGERS } from './types';
import { elementTypes, isBuiltinOperator, isDetermined, isFewHere, isGivenList, typesOf } from './values';

/** What is pinned at a level: whole sources by their place, columns by place and name. */
export type Pins = ReadonlySet<string>;

const whole = (source: number) => `${source}`;
const one = (source: number, name: string) => `${source}.${name}`;

/** The most values that BETWEEN two constants, and the most rows that LIMIT, may leave. */
export const MAX_WRITTEN_OUT = 1_000;

/**
 * What the conditions of a level pin: a column is pinned when an equality leaves it no more values than the text and the parameters write
 * out, a source when its pinned columns identify its rows, and then all its columns are. Grows until nothing more follows. `base` holds
 * already: what surrounds an OR holds in each of its arms.
 */
export function pinsOf(level: Level, conditions: readonly Condition[], base: Pins = givenPins(level.sources)): Pins {
  const pins = new Set(base);
  for (let before = -1; before !== pins.size; ) {
    before = pins.size;
    for (const condition of conditions) {
      step(level.place);
      for (const pin of conditionPins(condition, level, pins)) if (isAllowed(pin, condition.only)) pins.add(pin);
    }
    level.sources.forEach((source, index) => {
      if (isIdentified(source, index, pins)) pins.add(whole(index));
    });
  }
  return pins;
}

/** A WHERE or ON as conditions. */
export function conditionsOf(node: SqlNode | null, only: readonly number[] | null = null): Condition[] {
  if (node === null) return [];
  if (node.tag === 'BoolExpr' && text(node, 'boolop') === 'AND_EXPR') return list(node, 'args').flatMap((item) => conditionsOf(item, only));
  if (node.tag === 'BooleanTest' && text(node, 'booltesttype') === 'IS_TRUE') return conditionsOf(child(node, 'arg'), only);
  return [{ kind: 'expression', node, only }];
}

export function isWhole(source: number, pins: Pins): boolean {
  return pins.has(whole(source));
}

export function isPinned(source: number, name: string, pins: Pins): boolean {
  return pins.has(whole(source)) || pins.has(one(source, name));
}

export function pinnedColumn(node: SqlNode, level: Level, pins: Pins): boolean {
  const column = columnOf(node, level);
  return column !== null && isPinned(column.source, column.name, pins);
}

function givenPins(sources: readonly Source[]): Pins {
  return new Set(sources.flatMap((source, i) => [...(source.few ? [whole(i)] : []), ...source.pinned.map((name) => one(i, name))]));
}

/** In every table whose rows the source has, some key is pinned. */
function isIdentified(source: Source, index: number, pins: Pins): boolean {
  return source.parts.every((keys) => keys.some((key) => key.every((name) => isPinned(index, name, pins))));
}

function isAllowed(pin: string, only: readonly number[] | null): boolean {
  return only === null || only.includes(Number.parseInt(pin, 10));
}

function conditionPins(condition: Condition, level: Level, pins: Pins): string[] {
  if (condition.kind === 'equal') {
    const { left, right } = condition;
    const follows = (a: ColumnAt, b: ColumnAt) =>
      isPinned(b.source, b.name, pins) && findsOne(level.place.catalog, a.types, b.types) ? [one(a.source, a.name)] : [];
    return isBuiltinOperator([EQUALS], level.place.catalog) ? [...follows(left, right), ...follows(right, left)] : [];
  }
  const { node } = condition;
  switch (node.tag) {
    case 'BoolExpr':
      return text(node, 'boolop') === 'OR_EXPR' ? pinnedInEveryArm(list(node, 'args'), level, pins, condition.only) : [];
    case 'A_Expr':
      return comparisonPins(node, level, pins);
    case 'SubLink':
      return memberPins(node, level, pins);
    default:
      return [];
  }
}

const EQUALS: SqlNode = { tag: 'String', sval: '=' };

function pinnedInEveryArm(arms: readonly SqlNode[], level: Level, pins: Pins, only: readonly number[] | null): string[] {
  const possible = arms.filter((arm) => !isNever(arm)).map((arm) => pinsOf(level, conditionsOf(arm, only), pins));
  const holds = (arm: Pins, pin: string) => arm.has(pin) || arm.has(whole(Number.parseInt(pin, 10)));
  const any = new Set(possible.flatMap((arm) => [...arm]));
  return possible.length === 0 ? [] : [...any].filter((pin) => possible.every((arm) => holds(arm, pin)));
}

function isNever(node: SqlNode): boolean {
  const constant = child(node, 'boolval');
  return node.tag === 'A_Const' && constant !== null && constant.boolval !== true;
}

function comparisonPins(node: SqlNode, level: Level, pins: Pins): string[] {
  const [left, right] = [child(node, 'lexpr'), child(node, 'rexpr')];
  const kind = text(node, 'kind');
  if (left === null || right === null) return [];
  if (kind === 'AEXPR_BETWEEN' || kind === 'AEXPR_BETWEEN_SYM') return rangePins(left, list(right, 'items'), level);
  const operator = list(node, 'name');
  if (names(operator).at(-1) !== '=' || !isBuiltinOperator(operator, level.place.catalog)) return [];
  switch (kind) {
    case 'AEXPR_OP':
      return [...equalPins(left, right, level, pins), ...equalPins(right, left, level, pins)];
    case 'AEXPR_NOT_DISTINCT':
      return isValue(right) ? equalPins(left, right, level, pins) : isValue(left) ? equalPins(right, left, level, pins) : [];
    case 'AEXPR_IN':
      return pinnedByAll(left, list(right, 'items'), level, pins);
    case 'AEXPR_OP_ANY': {
      const column = columnOf(left, level);
      const fits = column !== null && findsOne(level.place.catalog, column.types, elementTypes(right, level));
      return fits && isGivenList(right, level, pins) ? [one(column.source, column.name)] : [];
    }
    default:
      return [];
  }
}

/** `column = value`, and rows of them. */
function equalPins(left: SqlNode, right: SqlNode, level: Level, pins: Pins): string[] {
  if (left.tag === 'RowExpr' && right.tag === 'RowExpr') {
    const [columns, values] = [list(left, 'args'), list(right, 'args')];
    if (columns.length !== values.length) return [];
    return columns.flatMap((column, i) => {
      const value = values[i];
      return value === undefined ? [] : equalPins(column, value, level, pins);
    });
  }
  const column = columnOf(left, level);
  if (column === null || !isDetermined(right, level, pins)) return [];
  return findsOne(level.place.catalog, column.types, typesOf(right, level)) ? [one(column.source, column.name)] : [];
}

/** `column IN (values)`, and rows of them: what each of the values pins. */
function pinnedByAll(left: SqlNode, values: readonly SqlNode[], level: Level, pins: Pins): string[] {
  const [first, ...others] = values.map((value) => equalPins(left, value, level, pins));
  return (first ?? []).filter((pin) => others.every((other) => other.includes(pin)));
}

/** `column IN (SELECT …)` and `= ANY (SELECT …)` of a sub-select that gives few rows. */
function memberPins(node: SqlNode, level: Level, pins: Pins): string[] {
  const [tested, query] = [child(node, 'testexpr'), child(node, 'subselect')];
  if (text(node, 'subLinkType') !== 'ANY_SUBLINK' || tested === null || query === null) return [];
  const operator = list(node, 'operName');
  const name = operator.length === 0 ? [EQUALS] : operator;
  if (names(name).at(-1) !== '=' || !isBuiltinOperator(name, level.place.catalog)) return [];
  const parts = tested.tag === 'RowExpr' ? list(tested, 'args') : [tested];
  const wanted = parts.map((part) => columnOf(part, level));
  if (wanted.every((column) => column === null || isPinned(column.source, column.name, pins))) return [];
  if (!isFewHere(query, level)) return [];
  const columns = querySource(query, level.place).columns;
  return wanted.flatMap((column, i) => {
    const types = columns?.[i]?.types;
    return column !== null && types !== undefined && findsOne(level.place.catalog, column.types, types)
      ? [one(column.source, column.name)]
      : [];
  });
}

/** `column BETWEEN 1 AND 10`: a whole number between two constants that are close together. */
function rangePins(left: SqlNode, bounds: readonly SqlNode[], level: Level): string[] {
  const column = columnOf(left, level);
  const [low, high] = bounds.map(integerOf);
  if (column === null || typeof low !== 'number' || typeof high !== 'number') return [];
  const integers = column.types.every((type) => INTEGERS.has(baseType(level.place.catalog, type)));
  return integers && Math.abs(high - low) < MAX_WRITTEN_OUT ? [one(column.source, column.name)] : [];
}

/** A constant, with a sign or without. */
export function integerOf(node: SqlNode | null): number | null {
  if (node?.tag === 'A_Const') {
    const value = child(node, 'ival');
    return value === null ? null : (number(value, 'ival') ?? 0);
  }
  const inner =
    node?.tag === 'A_Expr' && child(node, 'lexpr') === null && names(list(node, 'name')).join() === '-' ? child(node, 'rexpr') : null;
  const value = inner === null ? null : integerOf(inner);
  return value === null ? null : -value;
}

/** A constant that is not NULL: `IS NOT DISTINCT FROM` it is `=`. */
function isValue(node: SqlNode): boolean {
  if (node.tag === 'TypeCast') {
    const inner = child(node, 'arg');
    return inner !== null && isValue(inner);
  }
  return node.tag === 'A_Const' && node.isnull !== true;
}
