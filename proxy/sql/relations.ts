import { isPlainExplain } from './commands';
import { child, childrenOf, flag, list, names, type SqlNode, text } from './tree';
import type { RelationName } from './types';

type Access = RelationName['access'];

/** Statement nodes whose `relation` (or list of them) is changed, not read. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  InsertStmt: ['relation'],
  UpdateStmt: ['relation'],
  DeleteStmt: ['relation'],
  MergeStmt: ['relation'],
  TruncateStmt: ['relations'],
  LockStmt: ['relations'],
  AlterTableStmt: ['relation'],
  RenameStmt: ['relation'],
  AlterObjectSchemaStmt: ['relation'],
  AlterOwnerStmt: ['relation'],
  AlterObjectDependsStmt: ['relation'],
  AlterSeqStmt: ['sequence'],
  AlterPolicyStmt: ['table'],
  CreateStmt: ['relation'],
  CreateSeqStmt: ['sequence'],
  CreatePolicyStmt: ['table'],
  CreateTrigStmt: ['relation'],
  IndexStmt: ['relation'],
  IntoClause: ['rel'],
  ViewStmt: ['view'],
  RuleStmt: ['relation'],
  RefreshMatViewStmt: ['relation'],
  ClusterStmt: ['relation'],
  ReindexStmt: ['relation'],
  GrantStmt: ['objects'],
};

/** Kinds of DROP and COMMENT whose object name is, or begins with, a relation's name. */
const NAMED_RELATIONS: ReadonlySet<string> = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'FOREIGN_TABLE', 'SEQUENCE', 'INDEX'].map((kind) => `OBJECT_${kind}`),
);
const NAMED_PARTS: ReadonlySet<string> = new Set(['TRIGGER', 'RULE', 'POLICY', 'COLUMN', 'TABCONSTRAINT'].map((kind) => `OBJECT_${kind}`));

/**
 * The relations a statement names, each once per access. Names of common table expressions are left out where their WITH is in scope;
 * what FOR UPDATE OF lists are aliases and are left out too. A DML target always counts: PostgreSQL never takes a CTE there.
 */
export function relationsOf(root: SqlNode): RelationName[] {
  const found = new Map<string, RelationName>();
  const add = (schema: string | null, name: string, access: Access) =>
    found.set(JSON.stringify([schema, name, access]), { schema, name, access });
  visit(root, new Set(), true, add);
  return [...found.values()];
}

type Add = (schema: string | null, name: string, access: Access) => void;

function visit(node: SqlNode, ctes: ReadonlySet<string>, runs: boolean, add: Add): void {
  if (node.tag === 'LockingClause') return;
  if (node.tag === 'RangeVar') {
    addRangeVar(node, 'read', ctes, add);
    return;
  }
  const running = runs && !isPlainExplain(node);
  const written = new Set<SqlNode>();
  const writes = node.tag === 'CopyStmt' && flag(node, 'is_from') ? ['relation'] : (WRITES[node.tag] ?? []);
  for (const field of writes) {
    const targets = [child(node, field), ...list(node, field)].filter((target) => target !== null);
    for (const target of targets) {
      if (target.tag !== 'RangeVar') continue;
      written.add(target);
      addRangeVar(target, running ? 'write' : 'read', new Set(), add);
    }
  }
  addNamedObjects(node, add);
  const withClause = child(node, 'withClause');
  const inner = withClause === null ? ctes : visitWith(withClause, ctes, running, add);
  for (const item of childrenOf(node)) if (item !== withClause && !written.has(item)) visit(item, inner, running, add);
}

/** Visits the WITH list and returns the CTE names that the statement behind it sees. Without RECURSIVE a query sees only earlier names. */
function visitWith(withClause: SqlNode, outer: ReadonlySet<string>, runs: boolean, add: Add): ReadonlySet<string> {
  const ctes = list(withClause, 'ctes');
  const visible = new Set(outer);
  if (flag(withClause, 'recursive')) for (const cte of ctes) visible.add(text(cte, 'ctename') ?? '');
  for (const cte of ctes) {
    for (const item of childrenOf(cte)) visit(item, visible, runs, add);
    visible.add(text(cte, 'ctename') ?? '');
  }
  return visible;
}

function addRangeVar(node: SqlNode, access: Access, ctes: ReadonlySet<string>, add: Add): void {
  const schema = text(node, 'schemaname');
  const name = text(node, 'relname') ?? '';
  if (schema === null && ctes.has(name)) return;
  add(schema, name, access);
}

/** DROP TABLE a.b, DROP TRIGGER t ON a.b, COMMENT ON COLUMN a.b.c, ALTER … name their relations as lists of strings. */
function addNamedObjects(node: SqlNode, add: Add): void {
  const type = text(node, 'removeType') ?? text(node, 'objtype') ?? text(node, 'objectType');
  if (type === null) return;
  const parts = NAMED_PARTS.has(type);
  if (!parts && !NAMED_RELATIONS.has(type)) return;
  const objects = [...list(node, 'objects'), ...[child(node, 'object')].filter((object) => object !== null)];
  for (const object of objects) {
    if (object.tag !== 'List') continue;
    const whole = names(list(object, 'items'));
    const path = parts ? whole.slice(0, -1) : whole;
    const name = path.at(-1);
    if (name !== undefined) add(path.at(-2) ?? null, name, 'write');
  }
}
