import type { CatalogSnapshot, Column, FunctionInfo, Relation } from '../catalog/types';
import { bodyOf } from '../lineage/body';
import { NONE } from '../lineage/value';
import { followView, viewColumns } from '../lineage/view';
import { parseStatements } from '../sql/parse';
import { child, list, names, type SqlNode, some, text } from '../sql/tree';
import { addMask, type MasksByOrigin } from './columns';
import { outputMask } from './exposure';
import { findMentions, rangeVars, type TaintedNames } from './mentions';
import type { ColumnMask, MaskOrigin } from './types';

/**
 * Completes masks with everything PostgreSQL itself derives from a masked column: generated columns, children, partitions and parents,
 * views and materialised views, foreign keys that repeat a masked key, foreign tables that may read this database, and tables that
 * triggers of a tainted table write. To a fixpoint. A plain copy keeps the rule's mask; anything computed is redacted whole, because
 * a partial mask of f(x) says nothing about x.
 */
export function spreadTaint(masks: MasksByOrigin, catalog: CatalogSnapshot): MasksByOrigin {
  if (masks.size === 0) return masks;
  const relations = [...catalog.relations.values()].filter((relation) => !isSystem(relation));
  const queries = parseDefinitions(relations);
  const functions = [...catalog.functions.values()].flat().filter((item) => item.source !== null && item.extension === null);
  const carriers = new Set<string>();
  for (let changed = true; changed; ) {
    const tainted = taintedNames(masks, catalog);
    changed = spreadToFunctions(carriers, tainted, functions);
    for (const relation of relations) {
      changed = spreadToGenerated(masks, relation) || changed;
      changed = spreadToRelatives(masks, relation, catalog) || changed;
      changed = spreadToKeys(masks, relation) || changed;
      changed = spreadToTriggerTargets(masks, relation, functions, catalog) || changed;
      if (relation.loopback) changed = taintWhole(masks, relation, anyMask(masks), 'foreign table') || changed;
      const query = queries.get(relation.oid);
      if (query !== undefined) changed = spreadToView(masks, relation, query, tainted, carriers, catalog) || changed;
    }
  }
  return masks;
}

function isSystem(relation: Relation): boolean {
  return relation.schema === 'pg_catalog' || relation.schema === 'information_schema';
}

function parseDefinitions(relations: readonly Relation[]): Map<number, SqlNode | null> {
  const queries = new Map<number, SqlNode | null>();
  for (const relation of relations) {
    if (relation.definition === null) continue;
    try {
      queries.set(relation.oid, parseStatements(relation.definition)[0]?.node ?? null);
    } catch {
      queries.set(relation.oid, null);
    }
  }
  return queries;
}

function taintedNames(masks: MasksByOrigin, catalog: CatalogSnapshot): TaintedNames<ColumnMask> {
  const byName = new Map<string, Map<string, ColumnMask>>();
  for (const [oid, columns] of masks) {
    const relation = catalog.relations.get(oid);
    if (relation === undefined) continue;
    const names = byName.get(relation.name) ?? new Map<string, ColumnMask>();
    byName.set(relation.name, names);
    for (const column of relation.columns) {
      const mask = columns.get(column.number);
      if (mask !== undefined) names.set(column.name, mask);
    }
  }
  return byName;
}

type OriginKind = MaskOrigin['kind'];

function derived(relation: Relation, column: Column, from: ColumnMask, kind: OriginKind): ColumnMask {
  return { ...copied(relation, column, from, kind), mask: from.mask.type === 'null' ? from.mask : { type: 'redact' }, computed: true };
}

function copied(relation: Relation, column: Column, from: ColumnMask, kind: OriginKind): ColumnMask {
  return { ...from, ...placeOf(relation, column), origin: { kind, from: from.column } };
}

function placeOf(relation: Relation, column: Column): Pick<ColumnMask, 'relationOid' | 'attributeNumber' | 'column'> {
  return {
    relationOid: relation.oid,
    attributeNumber: column.number,
    column: `${relation.schema}.${relation.name}.${column.name}`,
  };
}

function anyMask(masks: MasksByOrigin): ColumnMask {
  for (const columns of masks.values()) for (const mask of columns.values()) return mask;
  throw new RangeError('no masked column');
}

function taintWhole(masks: MasksByOrigin, relation: Relation, from: ColumnMask, kind: OriginKind): boolean {
  return relation.columns.map((column) => addMask(masks, derived(relation, column, from, kind))).some(Boolean);
}

function spreadToGenerated(masks: MasksByOrigin, relation: Relation): boolean {
  const own = masks.get(relation.oid);
  if (own === undefined) return false;
  const byName = new Map(relation.columns.map((column) => [column.name, own.get(column.number)]));
  let changed = false;
  for (const column of relation.columns) {
    if (column.generated === null) continue;
    const sources = expressionColumns(column.generated).map((name) => (name === null ? [...own.values()][0] : byName.get(name)));
    for (const source of sources)
      if (source !== undefined) changed = addMask(masks, derived(relation, column, source, 'generated')) || changed;
  }
  return changed;
}

/** The columns an expression reads; null stands for all of them: a whole row, or text that does not parse. */
function expressionColumns(expression: string): (string | null)[] {
  try {
    const found: (string | null)[] = [];
    const root = parseStatements(`SELECT (${expression})`)[0]?.node;
    if (root === undefined) return [null];
    some(root, (node) => {
      if (node.tag !== 'ColumnRef') return false;
      const fields = list(node, 'fields');
      found.push(fields.at(-1)?.tag === 'A_Star' ? null : (names(fields).at(-1) ?? null));
      return false;
    });
    return found;
  } catch {
    return [null];
  }
}

/** A query on the parent returns the children's rows, and a query on a child shows the parent's data: both directions, by name. */
function spreadToRelatives(masks: MasksByOrigin, relation: Relation, catalog: CatalogSnapshot): boolean {
  const own = masks.get(relation.oid);
  if (own === undefined) return false;
  let changed = false;
  for (const oid of [...relation.parents, ...relation.children]) {
    const other = catalog.relations.get(oid);
    const kind = relation.parents.includes(oid) ? 'parent' : 'child';
    for (const column of other?.columns ?? []) {
      const same = relation.columns.find((candidate) => candidate.name === column.name);
      const mask = same === undefined ? undefined : own.get(same.number);
      if (other !== undefined && mask !== undefined) changed = addMask(masks, copied(other, column, mask, kind)) || changed;
    }
  }
  return changed;
}

/** A foreign key repeats the values of the key it references. */
function spreadToKeys(masks: MasksByOrigin, relation: Relation): boolean {
  let changed = false;
  for (const key of relation.foreignKeys) {
    key.columns.forEach((number, index) => {
      const mask = masks.get(key.referencedOid)?.get(key.referencedColumns[index] ?? 0);
      const column = relation.columns.find((candidate) => candidate.number === number);
      if (mask !== undefined && column !== undefined) changed = addMask(masks, copied(relation, column, mask, 'foreign key')) || changed;
    });
  }
  return changed;
}

const WRITTEN_TABLE = /\b(?:insert\s+into|update|merge\s+into|copy)\s+(?:only\s+)?(?:"?[\w$]+"?\s*\.\s*)?"?([\w$]+)"?/gi;

/** What triggers of a tainted table write may be a copy of the row: the written tables are tainted whole. */
function spreadToTriggerTargets(
  masks: MasksByOrigin,
  relation: Relation,
  functions: readonly FunctionInfo[],
  catalog: CatalogSnapshot,
): boolean {
  const [mask] = masks.get(relation.oid)?.values() ?? [];
  if (mask === undefined || relation.triggers.length === 0) return false;
  const fired = functions.filter((item) => relation.triggers.some((trigger) => trigger.functionOid === item.oid));
  const targets = fired.flatMap((item) => [...(item.source ?? '').matchAll(WRITTEN_TABLE)].map((match) => match[1] ?? ''));
  return targets
    .flatMap((name) => catalog.relationsByName.get(name) ?? [])
    .filter((target) => target.oid !== relation.oid && !isSystem(target))
    .map((target) => taintWhole(masks, target, { ...mask, column: `${relation.schema}.${relation.name}` }, 'trigger'))
    .some(Boolean);
}

/**
 * User functions that lineage does not follow and whose text names a tainted relation, or cannot tell (dynamic SQL, other languages), and
 * those that name such a function.
 */
function spreadToFunctions(carriers: Set<string>, tainted: TaintedNames<ColumnMask>, functions: readonly FunctionInfo[]): boolean {
  const before = carriers.size;
  for (const item of functions) {
    if (item.source === null || carriers.has(item.name)) continue;
    const words = new Set(item.source.match(/[\w$]+/g) ?? []);
    const static_ = !item.unreadable && (item.language === 'sql' || item.language === 'plpgsql') && !/\bexecute\b/i.test(item.source);
    const followed = bodyOf(item) !== null;
    const names_ = (word: string) => carriers.has(word) || (!followed && (tainted.has(word) || tainted.has(word.toLowerCase())));
    if (!static_ || [...words].some(names_)) carriers.add(item.name);
  }
  return carriers.size > before;
}

/** By lineage where the definition can be followed; by the names in it where it cannot, or where code runs in it that may read anything. */
function spreadToView(
  masks: MasksByOrigin,
  view: Relation,
  query: SqlNode | null,
  tainted: TaintedNames<ColumnMask>,
  carriers: ReadonlySet<string>,
  catalog: CatalogSnapshot,
): boolean {
  const calls = (node: SqlNode) => node.tag === 'FuncCall' && carriers.has(names(list(node, 'funcname')).at(-1) ?? '');
  const columns = query === null || some(query, calls) ? null : viewColumns(catalog, view);
  if (columns === null) return spreadByNames(masks, view, query, tainted, carriers, catalog);
  // The function behind an operator or cast of the user's own may be one of those that read masked columns.
  if (carriers.size > 0 && runsOwnOperator(catalog, view)) return taintWhole(masks, view, anyMask(masks), 'view');
  const maskOf = (oid: number, number: number) => masks.get(oid)?.get(number) ?? null;
  let changed = false;
  for (const column of view.columns) {
    const output = outputMask(columns.get(column.number) ?? NONE, maskOf);
    if (output === null) continue;
    changed =
      addMask(masks, {
        ...output.strictest,
        ...placeOf(view, column),
        mask: output.spec,
        computed: output.computed || output.strictest.computed,
        // A path starts with the view's own column.
        origin: { kind: 'view', from: output.paths[0]?.[1] ?? output.strictest.column },
      }) || changed;
  }
  return changed;
}

const ownOperators = new WeakMap<Relation, boolean>();

function runsOwnOperator(catalog: CatalogSnapshot, view: Relation): boolean {
  const known = ownOperators.get(view);
  if (known !== undefined) return known;
  const own = new Set([
    ...catalog.operators.filter((item) => item.extension === null).map((item) => `operator ${item.schema}.${item.name}`),
    ...catalog.casts.filter((item) => item.extension === null).map((item) => `the cast to ${item.target}`),
  ]);
  const runs = own.size > 0 && followView(catalog, view).opaque.some((what) => own.has(what));
  ownOperators.set(view, runs);
  return runs;
}

function spreadByNames(
  masks: MasksByOrigin,
  view: Relation,
  query: SqlNode | null,
  tainted: TaintedNames<ColumnMask>,
  carriers: ReadonlySet<string>,
  catalog: CatalogSnapshot,
): boolean {
  if (query === null) return taintWhole(masks, view, anyMask(masks), 'view');
  const mentions = new Map(findMentions(query, tainted, catalog).map((mention) => [mention.node, mention]));
  const reads = (node: SqlNode) =>
    some(node, (item) => mentions.has(item) || (item.tag === 'FuncCall' && carriers.has(names(list(item, 'funcname')).at(-1) ?? '')));
  if (!reads(query)) return false;
  const source = sourceMask(query, mentions, tainted) ?? anyMask(masks);
  const targets = list(query, 'targetList');
  const simple = text(query, 'op') === 'SETOP_NONE' && child(query, 'withClause') === null && !list(query, 'fromClause').some(reads);
  if (!simple || targets.length !== view.columns.length) return taintWhole(masks, view, source, 'view');
  let changed = false;
  targets.forEach((target, index) => {
    const column = view.columns[index];
    const value = child(target, 'val');
    if (column === undefined || value === null || !reads(value)) return;
    const mention = mentions.get(value);
    const mask = mention === undefined || mention.kind !== 'column' ? null : maskNamed(mention.name, query, tainted);
    changed = addMask(masks, mask === null ? derived(view, column, source, 'view') : copied(view, column, mask, 'view')) || changed;
  });
  return changed;
}

/** The mask behind a plain column of a view; null when two relations of the view have a tainted column of that name. */
function maskNamed(column: string, query: SqlNode, tainted: TaintedNames<ColumnMask>): ColumnMask | null {
  const found = [...new Set(rangeVars(query))].flatMap((relation) => tainted.get(relation)?.get(column) ?? []);
  return found.length === 1 ? (found[0] ?? null) : null;
}

function sourceMask(
  query: SqlNode,
  mentions: ReadonlyMap<SqlNode, { name: string }>,
  tainted: TaintedNames<ColumnMask>,
): ColumnMask | null {
  for (const mention of mentions.values()) {
    const mask = maskNamed(mention.name, query, tainted);
    if (mask !== null) return mask;
  }
  for (const relation of rangeVars(query)) for (const mask of tainted.get(relation)?.values() ?? []) return mask;
  return null;
}
