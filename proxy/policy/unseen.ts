import { referencesTo } from '../catalog/byOid';
import type { CatalogSnapshot, ImplicitUse, Relation, Trigger, WriteEvent } from '../catalog/types';
import { parseStatements } from '../sql/parse';
import { list, type SqlNode, text, walk } from '../sql/tree';
import type { TextFacts } from '../sql/types';
import { type Body, bodiesOf } from './bodies';

/** What PostgreSQL does because of a write besides what the statement says: rewrite rules, triggers, foreign keys that cascade. */
export interface Unseen {
  relations: readonly UnseenUse[];
  /** Why it cannot be said what else may be written; empty when it can. */
  opaque: readonly string[];
  /** The user's functions that run, as `schema.name`. */
  functions: readonly string[];
}

export const NOTHING_UNSEEN: Unseen = { relations: [], opaque: [], functions: [] };

export interface UnseenUse {
  relation: Relation;
  access: 'read' | 'write';
  /** Names of the columns concerned; null for all of them. */
  columns: ReadonlySet<string> | null;
}

/**
 * Closes the relations that a statement writes over what their writing sets off, transitively, for the events the statement has. More
 * than happens, never less: conditions of triggers and rules are not looked at, and the words of a body stand for what it does.
 */
export function unseenWrites(root: SqlNode, facts: TextFacts, written: readonly Relation[], catalog: CatalogSnapshot): Unseen {
  const events = EVENTS.filter((event) => facts.effects.has(event));
  if (events.length === 0 || written.length === 0) return NOTHING_UNSEEN;
  const closure = new Closure(catalog, isCascading(root));
  const columns = assignedColumns(root);
  for (const relation of written) for (const event of events) closure.write(relation, event, event === 'update' ? columns : null);
  return closure.close();
}

/**
 * What row-level security policies read when a relation is read. Of a role that they do not hold for they read nothing; who owns a table is
 * not known here, so that they count for everybody else.
 */
export function unseenReads(read: readonly Relation[], catalog: CatalogSnapshot): Unseen {
  if (catalog.user.superuser || catalog.user.bypassRls) return NOTHING_UNSEEN;
  const closure = new Closure(catalog, false);
  for (const relation of read) closure.read(relation);
  return closure.close();
}

/** Defaults, checks and index expressions run when a row is written; policies whatever is done. */
function implicitUses(relation: Relation, on: ImplicitUse['on']): readonly ImplicitUse[] {
  return relation.implicit.filter((use) => use.on === 'any' || on === 'write');
}

const EVENTS: readonly WriteEvent[] = ['insert', 'update', 'delete', 'truncate'];
const ROW_EVENTS: readonly WriteEvent[] = ['insert', 'update', 'delete'];

interface Write {
  relation: Relation;
  event: WriteEvent;
  /** Of an update: the columns that are assigned, null when that is not known. */
  columns: ReadonlySet<string> | null;
}

class Closure {
  private readonly writes = new Map<string, Write>();
  private readonly uses = new Map<string, UnseenUse>();
  private readonly opaque = new Set<string>();
  private readonly functions = new Set<string>();

  constructor(
    private readonly catalog: CatalogSnapshot,
    private readonly truncateCascades: boolean,
  ) {}

  write(relation: Relation, event: WriteEvent, columns: ReadonlySet<string> | null): void {
    const key = `${relation.oid} ${event} ${columns === null ? '*' : JSON.stringify([...columns].sort())}`;
    if (!this.writes.has(key)) this.writes.set(key, { relation, event, columns });
  }

  read(relation: Relation): void {
    for (const use of implicitUses(relation, 'any')) {
      for (const oid of use.functions) for (const body of bodiesOf(oid, this.catalog)) this.run(body);
      for (const oid of use.relations) this.reach(this.catalog.relations.get(oid), []);
    }
  }

  /** A Map is walked in the order of insertion, and what is added on the way is walked too. */
  close(): Unseen {
    for (const write of this.writes.values()) this.follow(write);
    return { relations: [...this.uses.values()], opaque: [...this.opaque], functions: [...this.functions] };
  }

  private follow(write: Write): void {
    const { relation, event, columns } = write;
    const bodies = relation.triggers
      .filter((trigger) => fires(trigger, write))
      .flatMap((trigger) => bodiesOf(trigger.functionOid, this.catalog));
    for (const body of bodies) this.run(body);
    for (const rule of relation.rules) {
      if (rule.event !== event) continue;
      for (const oid of rule.relations) this.reach(this.catalog.relations.get(oid), ROW_EVENTS);
      for (const oid of rule.functions) for (const body of bodiesOf(oid, this.catalog)) this.run(body);
    }
    for (const use of implicitUses(relation, event === 'insert' || event === 'update' ? 'write' : 'any')) {
      for (const oid of use.functions) for (const body of bodiesOf(oid, this.catalog)) this.run(body);
      for (const oid of use.relations) this.reach(this.catalog.relations.get(oid), []);
    }
    this.cascade(relation, event, changedColumns(relation, columns, bodies));
    this.passOn(write);
  }

  private run(body: Body): void {
    this.functions.add(body.name);
    if (body.opaque !== null) this.opaque.add(body.opaque);
    for (const relation of body.relations) this.reach(relation, body.events);
  }

  private reach(relation: Relation | undefined, events: readonly WriteEvent[]): void {
    if (relation === undefined) return;
    this.use(relation, events.length === 0 ? 'read' : 'write', null);
    for (const event of events) this.write(relation, event, null);
  }

  private use(relation: Relation, access: 'read' | 'write', columns: ReadonlySet<string> | null): void {
    const key = `${relation.oid} ${access}`;
    const before = this.uses.get(key);
    const all = columns === null || before?.columns === null ? null : new Set([...columns, ...(before?.columns ?? [])]);
    this.uses.set(key, { relation, access, columns: all });
  }

  private cascade(relation: Relation, event: WriteEvent, changed: ReadonlySet<string> | null): void {
    for (const source of withAncestors(relation, this.catalog)) {
      for (const { relation: child_, key } of referencesTo(this.catalog, source.oid)) {
        const own = columnNames(child_, key.columns);
        const keyChanges = changed === null || [...columnNames(source, key.referencedColumns)].some((name) => changed.has(name));
        const action = event === 'delete' ? key.onDelete : event === 'update' && keyChanges ? key.onUpdate : 'none';
        if (event === 'truncate' && this.truncateCascades) this.follows(child_, 'truncate', null);
        if (action === 'none') continue;
        if (action === 'cascade' && event === 'delete') this.follows(child_, 'delete', own);
        else this.follows(child_, 'update', own);
      }
    }
  }

  private follows(relation: Relation, event: WriteEvent, columns: ReadonlySet<string> | null): void {
    this.use(relation, 'write', columns);
    this.write(relation, event, event === 'update' ? columns : null);
  }

  /** To partitions and children, which have triggers of their own, and through a view to the table it stands for. */
  private passOn({ relation, event, columns }: Write): void {
    const partitioned = relation.kind === 'p';
    // An update that moves a row to another partition deletes it here and inserts it there.
    const events: readonly WriteEvent[] = partitioned && event === 'update' ? ROW_EVENTS : [event];
    if (partitioned || event !== 'insert') {
      for (const oid of relation.children) {
        const below = this.catalog.relations.get(oid);
        if (below !== undefined) for (const each of events) this.write(below, each, each === 'update' ? columns : null);
      }
    }
    if (relation.kind !== 'v') return;
    for (const base of basesOf(relation, this.catalog)) this.write(base, event, null);
  }
}

/** UPDATE OF looks at the columns that are assigned, not at those that triggers change. */
function fires(trigger: Trigger, { relation, event, columns }: Write): boolean {
  if (!trigger.enabled || !trigger.events.includes(event)) return false;
  if (event !== 'update' || columns === null || trigger.columns.length === 0) return true;
  return [...columnNames(relation, trigger.columns)].some((name) => columns.has(name));
}

/** What an update may change: what it assigns, what its triggers' bodies name, what is generated from either. */
function changedColumns(relation: Relation, columns: ReadonlySet<string> | null, bodies: readonly Body[]): ReadonlySet<string> | null {
  if (columns === null || bodies.some((body) => body.opaque !== null)) return null;
  const generated = relation.columns.filter((column) => column.generated !== null).map((column) => column.name);
  return new Set([...columns, ...generated, ...bodies.flatMap((body) => [...body.words])]);
}

function columnNames(relation: Relation, numbers: readonly number[]): ReadonlySet<string> {
  return new Set(relation.columns.filter((column) => numbers.includes(column.number)).map((column) => column.name));
}

/** A foreign key to a partitioned table holds for a partition that is written by its own name. */
function withAncestors(relation: Relation, catalog: CatalogSnapshot): ReadonlySet<Relation> {
  const found = new Set([relation]);
  for (const item of found)
    for (const oid of item.parents) {
      const parent = catalog.relations.get(oid);
      if (parent !== undefined) found.add(parent);
    }
  return found;
}

/** What PostgreSQL writes for a view that is simple enough: the one relation of its FROM; all that it names when its text is not known. */
function basesOf(view: Relation, catalog: CatalogSnapshot): readonly Relation[] {
  const from = fromOf(view);
  if (from !== null) return from.length === 1 ? from.flatMap((item) => catalog.relationsByName.get(text(item, 'relname') ?? '') ?? []) : [];
  const named = view.rules.filter((rule) => rule.event === 'select').flatMap((rule) => rule.relations);
  return named.flatMap((oid) => catalog.relations.get(oid) ?? []);
}

const froms = new WeakMap<Relation, readonly SqlNode[] | null>();

/** The relations in a view's FROM, none when anything else stands there; null when its text is not known. */
function fromOf(view: Relation): readonly SqlNode[] | null {
  const before = froms.get(view);
  if (before !== undefined) return before;
  let from: readonly SqlNode[] | null = null;
  try {
    const query = parseStatements(view.definition ?? '')[0]?.node ?? null;
    const items = list(query, 'fromClause');
    if (query !== null) from = items.every((item) => item.tag === 'RangeVar') ? items : [];
  } catch {
    // A text of a newer grammar: not known.
  }
  froms.set(view, from);
  return from;
}

/** Every column that is assigned anywhere in the statement. */
function assignedColumns(root: SqlNode): ReadonlySet<string> {
  const found = new Set<string>();
  walk(root, (node) => {
    const name = node.tag === 'ResTarget' ? text(node, 'name') : null;
    if (name !== null) found.add(name);
  });
  return found;
}

function isCascading(root: SqlNode): boolean {
  let cascades = false;
  walk(root, (node) => {
    if (node.tag === 'TruncateStmt' && text(node, 'behavior') === 'DROP_CASCADE') cascades = true;
  });
  return cascades;
}
