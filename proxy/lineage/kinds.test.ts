import { beforeAll, describe, expect, it } from 'vitest';
import type { CatalogSnapshot } from '../catalog/types';
import { GRAMMAR } from '../sql/grammar';
import { loadParser, parseStatements } from '../sql/parse';
import type { SqlNode } from '../sql/tree';
import { Analysis, type At } from './analysis';
import { expression } from './expression';
import { fromItems } from './from';
import { newScope, UnresolvedError } from './scope';
import { lineageOf } from './statement';

const catalog: CatalogSnapshot = {
  version: 1,
  serverVersion: 180000,
  fingerprint: '',
  user: { name: 'nobody', superuser: false, bypassRls: false },
  searchPath: [],
  relations: new Map(),
  relationsByName: new Map(),
  temporary: new Set(),
  formerNames: new Map(),
  functions: new Map(),
  operators: [],
  casts: [],
  foldingCollations: false,
  domainChecks: new Map(),
  types: new Map(),
  unreadable: [],
};

const MADE_UP = 'QuantumExpr';

function at(): At {
  return { analysis: new Analysis(catalog, []), scope: newScope(null), ctes: null };
}

/** The kinds that are not turned away as such; an empty node of a kind may be turned away for what it lacks. */
function kindsWithRule(follow: (node: SqlNode) => unknown, refusal: (tag: string) => string): string[] {
  return [...Object.keys(GRAMMAR), MADE_UP].filter((tag) => {
    try {
      follow({ tag });
      return true;
    } catch (error) {
      if (!(error instanceof UnresolvedError)) throw error;
      return error.reason !== refusal(tag);
    }
  });
}

describe('node kinds', () => {
  beforeAll(loadParser);

  it('of expressions have a rule or are refused', () => {
    const found = kindsWithRule(
      (node) => expression(at(), node),
      (tag) => `${tag} has no rule`,
    );
    expect(found.sort()).toEqual(
      [
        ...['A_ArrayExpr', 'A_Const', 'A_Expr', 'A_Indices', 'A_Indirection', 'BoolExpr', 'BooleanTest', 'CaseExpr', 'CaseWhen'],
        ...['CoalesceExpr', 'CollateClause', 'CollateExpr', 'ColumnRef', 'CurrentOfExpr', 'FuncCall', 'GroupingFunc', 'JsonArgument'],
        ...['JsonArrayAgg', 'JsonArrayConstructor', 'JsonArrayQueryConstructor', 'JsonBehavior', 'JsonFuncExpr', 'JsonIsPredicate'],
        ...['JsonKeyValue', 'JsonObjectAgg', 'JsonObjectConstructor', 'JsonParseExpr', 'JsonScalarExpr', 'JsonSerializeExpr'],
        ...['JsonValueExpr', 'List', 'MergeSupportFunc', 'MinMaxExpr', 'MultiAssignRef', 'NamedArgExpr', 'NullTest', 'ParamRef'],
        ...['ResTarget', 'RowExpr', 'SQLValueFunction', 'SetToDefault', 'SubLink', 'TypeCast', 'XmlExpr', 'XmlSerialize'],
      ].sort(),
    );
  });

  it('of FROM have a rule or are refused', () => {
    const found = kindsWithRule(
      (node) => fromItems(at(), node),
      (tag) => `${tag} in FROM`,
    );
    const rules = ['JoinExpr', 'JsonTable', 'RangeFunction', 'RangeSubselect', 'RangeTableFunc', 'RangeTableSample', 'RangeVar'];
    expect(found.sort()).toEqual(rules);
  });

  it('of statements have a rule or are refused', () => {
    const found = kindsWithRule(
      (node) => lineageOf(node, catalog, []),
      (tag) => `${tag} is not followed`,
    );
    expect(found.sort()).toEqual(
      [
        ...['CopyStmt', 'CreateTableAsStmt', 'DeclareCursorStmt', 'DeleteStmt', 'ExplainStmt', 'InsertStmt', 'MergeStmt', 'PrepareStmt'],
        ...['SelectStmt', 'UpdateStmt', 'ViewStmt'],
      ].sort(),
    );
  });

  it('that nobody knows are refused wherever they stand', () => {
    const [parsed] = parseStatements('select f(array[1], case when a then (b).c[2] end, row(d)) from t where e = any (g)');
    if (parsed === undefined) throw new Error('nothing parsed');
    let places = 0;
    const visit = (node: SqlNode, rebuild: (changed: SqlNode) => SqlNode) => {
      for (const field in node) {
        const value = node[field];
        if (typeof value !== 'object') continue;
        const items = Array.isArray(value) ? value : null;
        for (const [index, item] of (items ?? [value as SqlNode]).entries()) {
          const replace = (changed: SqlNode) =>
            rebuild({ ...node, [field]: items === null ? changed : items.map((each, i) => (i === index ? changed : each)) });
          if (EXPRESSIONS.has(item.tag)) {
            places++;
            const refused = () => lineageOf(replace({ tag: MADE_UP }), catalog, null);
            expect(refused).toThrow(UnresolvedError);
          }
          visit(item, replace);
        }
      }
    };
    visit(parsed.node, (changed) => changed);
    expect(places).toBe(13);
  });
});

const EXPRESSIONS: ReadonlySet<string> = new Set([
  'A_Const',
  'A_ArrayExpr',
  'A_Expr',
  'A_Indirection',
  'CaseExpr',
  'ColumnRef',
  'FuncCall',
  'RowExpr',
]);
