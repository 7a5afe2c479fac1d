import { functionByOid, referencesTo } from '../catalog/byOid';
import type { CatalogSnapshot, Relation, WriteEvent } from '../catalog/types';
import type { MaskIndex } from '../masking/columns';
import { resolveNames } from '../policy/resolve';
import { factsOf } from '../sql/facts';
import type { ParsedStatement } from '../sql/parse';
import { list, type SqlNode, some, text, walk } from '../sql/tree';

/** What a text would touch, by grammar and catalog alone. */
export interface Touched {
  tables: TouchedTable[];
  triggers: FiringTrigger[];
  cascades: Cascade[];
}

export interface TouchedTable {
  /** `schema.table` */
  name: string;
  read: boolean;
  written: boolean;
  /** The statement does not name it: a trigger, a rule or a cascade may write it. */
  setOff: boolean;
  columns: TouchedColumn[];
  /** Rows come or go as a whole, so every column does. */
  wholeRows: boolean;
}

export interface TouchedColumn {
  name: string;
  written: boolean;
  /** The masking rule that covers it for a reviewer; null when none does. */
  maskedBy: string | null;
}

export interface FiringTrigger {
  table: string;
  events: WriteEvent[];
  /** `schema.function` */
  function: string;
}

export interface Cascade {
  from: string;
  to: string;
  /** What a foreign key does to the rows that refer. */
  action: 'deletes rows of' | 'changes rows of';
}

const EVENTS: readonly WriteEvent[] = ['insert', 'update', 'delete', 'truncate'];

/** Reads it off; more than happens, never less, but for what cannot be followed (a verdict says that). Pure. */
export function touchedBy(
  statements: readonly ParsedStatement[],
  { catalog, searchPath, masks }: { catalog: CatalogSnapshot; searchPath: readonly string[] | null; masks: MaskIndex },
): Touched {
  const tables = new Map<string, TouchedTable>();
  const triggers = new Map<string, FiringTrigger>();
  const cascades = new Map<string, Cascade>();
  for (const statement of statements) {
    const facts = factsOf(statement);
    const resolved = resolveNames(statement.node, facts, catalog, searchPath);
    const events = EVENTS.filter((event) => facts.effects.has(event) || (facts.effects.has('merge') && event !== 'truncate'));
    const assigned = assignedColumns(statement.node);
    const wholeRows = facts.effects.has('delete') || facts.effects.has('truncate') || insertsWithoutColumns(statement.node);
    const own = new Set(facts.relations.map((relation) => relation.name));
    for (const use of resolved.relations) {
      const relation = relationNamed(use.name, catalog);
      const table = tables.get(use.name) ?? newTable(use.name, relation === undefined || own.has(relation.name));
      tables.set(use.name, table);
      const writes = use.access === 'write';
      table.read ||= !writes;
      table.written ||= writes;
      table.wholeRows ||= writes && (wholeRows || table.setOff);
      for (const column of mentioned(use.name, resolved.columns))
        addColumn(table, column, writes && !table.setOff && assigned.has(column), maskOf(relation, column, masks));
      if (relation === undefined || !writes) continue;
      for (const trigger of firing(relation, table.setOff ? EVENTS : events, catalog))
        triggers.set(`${trigger.table} ${trigger.function}`, trigger);
      if (!table.setOff)
        for (const cascade of cascadesFrom(relation, events, catalog)) cascades.set(`${cascade.from} ${cascade.to}`, cascade);
    }
  }
  return { tables: [...tables.values()], triggers: [...triggers.values()], cascades: [...cascades.values()] };
}

const newTable = (name: string, named: boolean): TouchedTable => ({
  name,
  read: false,
  written: false,
  setOff: !named,
  columns: [],
  wholeRows: false,
});

function addColumn(table: TouchedTable, name: string, written: boolean, maskedBy: string | null): void {
  const known = table.columns.find((column) => column.name === name);
  if (known === undefined) table.columns.push({ name, written, maskedBy });
  else known.written ||= written;
}

function relationNamed(dotted: string, catalog: CatalogSnapshot): Relation | undefined {
  const at = dotted.indexOf('.');
  return (catalog.relationsByName.get(dotted.slice(at + 1)) ?? []).find(({ schema }) => schema === dotted.slice(0, at));
}

const mentioned = (table: string, columns: readonly string[]): string[] =>
  columns.flatMap((column) => (column.startsWith(`${table}.`) ? [column.slice(table.length + 1)] : []));

function maskOf(relation: Relation | undefined, name: string, masks: MaskIndex): string | null {
  const column = relation?.columns.find((item) => item.name === name);
  if (relation === undefined || column === undefined) return null;
  return masks.byOrigin(relation.oid, column.number)?.rule ?? null;
}

function assignedColumns(root: SqlNode): ReadonlySet<string> {
  const found = new Set<string>();
  const collect = (targets: readonly SqlNode[]) => {
    for (const target of targets) {
      const name = text(target, 'name');
      if (name !== null) found.add(name);
    }
  };
  walk(root, (node) => {
    if (node.tag === 'InsertStmt') collect(list(node, 'cols'));
    if (node.tag === 'UpdateStmt' || node.tag === 'OnConflictClause' || node.tag === 'MergeWhenClause') collect(list(node, 'targetList'));
  });
  return found;
}

const insertsWithoutColumns = (root: SqlNode): boolean =>
  some(root, (node) => node.tag === 'InsertStmt' && list(node, 'cols').length === 0);

function firing(relation: Relation, events: readonly WriteEvent[], catalog: CatalogSnapshot): FiringTrigger[] {
  const below = relation.children.flatMap((oid) => catalog.relations.get(oid) ?? []);
  return [relation, ...below].flatMap((item) =>
    item.triggers.flatMap((trigger): FiringTrigger[] => {
      const fires = trigger.events.filter((event) => events.includes(event));
      if (!trigger.enabled || fires.length === 0) return [];
      const called = functionByOid(catalog, trigger.functionOid);
      return [
        {
          table: `${item.schema}.${item.name}`,
          events: fires,
          function: called === undefined ? 'unknown' : `${called.schema}.${called.name}`,
        },
      ];
    }),
  );
}

/** Foreign keys that pass a change on, transitively. */
function cascadesFrom(relation: Relation, events: readonly WriteEvent[], catalog: CatalogSnapshot): Cascade[] {
  const found = new Map<string, Cascade>();
  const follow = (from: Relation, event: 'delete' | 'update') => {
    for (const { relation: to, key } of referencesTo(catalog, from.oid)) {
      const action = event === 'delete' ? key.onDelete : key.onUpdate;
      if (action === 'none') continue;
      const deletes = event === 'delete' && action === 'cascade';
      const cascade: Cascade = {
        from: `${from.schema}.${from.name}`,
        to: `${to.schema}.${to.name}`,
        action: deletes ? 'deletes rows of' : 'changes rows of',
      };
      const id = `${cascade.from} ${cascade.to} ${cascade.action}`;
      if (found.has(id)) continue;
      found.set(id, cascade);
      follow(to, deletes ? 'delete' : 'update');
    }
  };
  for (const event of ['delete', 'update'] as const) if (events.includes(event)) follow(relation, event);
  return [...found.values()];
}
