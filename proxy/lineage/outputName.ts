import { child, list, names, type SqlNode, text } from '../sql/tree';

/** The name PostgreSQL gives an output column without AS (parse_target.c, FigureColname). */
export function figureName(node: SqlNode | null): string {
  return figure(node).name ?? '?column?';
}

interface Figured {
  name: string | null;
  /** 2: a name worth keeping through a cast; 1: one that a better gives way to; 0: none. */
  strength: 0 | 1 | 2;
}

const NOTHING: Figured = { name: null, strength: 0 };
const strong = (name: string | null): Figured => (name === null ? NOTHING : { name, strength: 2 });

const FIXED: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
};

const BY_OPERATION: Readonly<Record<string, string>> = {
  IS_XMLCONCAT: 'xmlconcat',
  IS_XMLELEMENT: 'xmlelement',
  IS_XMLFOREST: 'xmlforest',
  IS_XMLPARSE: 'xmlparse',
  IS_XMLPI: 'xmlpi',
  IS_XMLROOT: 'xmlroot',
  IS_GREATEST: 'greatest',
  IS_LEAST: 'least',
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
};

function figure(node: SqlNode | null): Figured {
  if (node === null) return NOTHING;
  const fixed = FIXED[node.tag];
  if (fixed !== undefined) return strong(fixed);
  switch (node.tag) {
    case 'ColumnRef':
      return strong(names(list(node, 'fields')).at(-1) ?? null);
    case 'A_Indirection': {
      const field = names(list(node, 'indirection')).at(-1);
      return field === undefined ? figure(child(node, 'arg')) : strong(field);
    }
    case 'FuncCall':
      return strong(names(list(node, 'funcname')).at(-1) ?? null);
    case 'A_Expr':
      return text(node, 'kind') === 'AEXPR_NULLIF' ? strong('nullif') : NOTHING;
    case 'TypeCast': {
      const inner = figure(child(node, 'arg'));
      if (inner.strength === 2) return inner;
      const type = names(list(child(node, 'typeName'), 'names')).at(-1) ?? null;
      return type === null ? inner : { name: type, strength: 1 };
    }
    case 'CollateClause':
      return figure(child(node, 'arg'));
    case 'SubLink':
      return subLink(node);
    case 'CaseExpr': {
      const otherwise = figure(child(node, 'defresult'));
      return otherwise.strength === 2 ? otherwise : { name: 'case', strength: 1 };
    }
    case 'SQLValueFunction':
      return strong(
        (text(node, 'op') ?? '')
          .replace(/^SVFOP_/, '')
          .replace(/_N$/, '')
          .toLowerCase(),
      );
    default:
      return strong(BY_OPERATION[text(node, 'op') ?? ''] ?? null);
  }
}

function subLink(node: SqlNode): Figured {
  switch (text(node, 'subLinkType')) {
    case 'EXISTS_SUBLINK':
      return strong('exists');
    case 'ARRAY_SUBLINK':
      return strong('array');
    case 'EXPR_SUBLINK': {
      const query = leftmost(node);
      const target = list(query, 'targetList')[0] ?? null;
      if (target === null) return list(query, 'valuesLists').length > 0 ? strong('column1') : NOTHING;
      const name = text(target, 'name');
      return name === null ? figure(child(target, 'val')) : strong(name);
    }
    default:
      return NOTHING;
  }
}

function leftmost(node: SqlNode): SqlNode | null {
  let query = child(node, 'subselect');
  for (let left = query; left !== null; left = child(left, 'larg')) query = left;
  return query;
}

/** What the first output of a sub-select is; null for VALUES. */
export const firstTarget = (node: SqlNode): SqlNode | null => child(list(leftmost(node), 'targetList')[0] ?? null, 'val');
