import type { CatalogSnapshot, Column, Relation } from '../catalog/types';
import { matchesGlob, matchesSegment } from '../policy/glob';
import type { ConnectionPolicy, MaskingRule, Principal } from '../policy/types';
import { maskExpression } from './sql/maskExpression';
import { compareMasks, strictestMask } from './strictest';
import { spreadTaint } from './taint';
import type { ColumnMask } from './types';

/** The masked columns one principal meets on one connection: what the rules name, and everything the database computes from it. */
export interface MaskIndex {
  /** No column is masked: nothing touches, nothing is rewritten. */
  empty: boolean;
  byOrigin(relationOid: number, attributeNumber: number): ColumnMask | null;
  isTainted(relationOid: number): boolean;
  /** By bare relation name, whatever the schema: column name to mask (the strictest, where several schemas have one). */
  taintedRelations: ReadonlyMap<string, ReadonlyMap<string, ColumnMask>>;
  all: readonly ColumnMask[];
  /** Columns that rules in mode `observe` would mask. */
  observed: readonly ColumnMask[];
}

type Scope = {
  masking: readonly MaskingRule[];
  connection: ConnectionPolicy;
  principal: Pick<Principal, 'groups'>;
  catalog: CatalogSnapshot;
};

const MASKABLE: ReadonlySet<string> = new Set(['r', 'p', 'v', 'm', 'f']);

/** Resolves the masking rules against a catalog. Pure; costs a parse per view, so callers keep the result per policy and catalog version. */
export function maskedColumnsFor(scope: Scope): MaskIndex {
  const rules = scope.masking.filter((rule) => appliesTo(rule, scope));
  const masked = matchColumns(
    rules.filter((rule) => rule.mode === 'enforce'),
    scope.catalog,
  );
  const observed = matchColumns(
    rules.filter((rule) => rule.mode === 'observe'),
    scope.catalog,
  );
  return indexOf(
    sayable(spreadTaint(masked, scope.catalog), scope.catalog),
    [...observed.values()].flatMap((columns) => [...columns.values()]),
    scope.catalog,
  );
}

/** Whether some mask may apply, whatever the catalog says: while it is not known, such a session is treated as one that has masks. */
export function mayBeMasked(scope: Omit<Scope, 'catalog'>): boolean {
  return scope.masking.some((rule) => rule.mode === 'enforce' && appliesTo(rule, scope));
}

function appliesTo(rule: MaskingRule, scope: Omit<Scope, 'catalog'>): boolean {
  if (rule.mode === 'off' || rule.columns.length === 0) return false;
  if (!rule.connections.some((name) => matchesSegment(name, scope.connection.name)) && rule.connections.length > 0) return false;
  return !rule.exceptGroups.some((group) => scope.principal.groups.includes(group));
}

/** Masks by relation OID, then attribute number. */
export type MasksByOrigin = Map<number, Map<number, ColumnMask>>;

function matchColumns(rules: readonly MaskingRule[], catalog: CatalogSnapshot): MasksByOrigin {
  const masks: MasksByOrigin = new Map();
  if (rules.length === 0) return masks;
  for (const relation of catalog.relations.values()) {
    if (!isMaskable(relation)) continue;
    for (const column of relation.columns) {
      for (const rule of rules) {
        if (!rule.columns.some((glob) => matchesGlob(glob, [relation.schema, relation.name, column.name]))) continue;
        addMask(masks, maskOn(relation, column, rule));
      }
    }
  }
  return masks;
}

/** What a glob of a masking rule can name: relations with rows of their own or a query's, but for the server's catalogs. */
export function isMaskable(relation: Relation): boolean {
  return MASKABLE.has(relation.kind) && relation.schema !== 'pg_catalog' && relation.schema !== 'information_schema';
}

function maskOn(relation: Relation, column: Column, rule: MaskingRule): ColumnMask {
  return {
    relationOid: relation.oid,
    attributeNumber: column.number,
    column: `${relation.schema}.${relation.name}.${column.name}`,
    rule: rule.name,
    mask: rule.mask,
    inference: rule.inference,
    computed: false,
  };
}

/** Adds a mask to what is there; true when that changed something. */
export function addMask(masks: MasksByOrigin, mask: ColumnMask): boolean {
  const columns = masks.get(mask.relationOid) ?? new Map<number, ColumnMask>();
  masks.set(mask.relationOid, columns);
  const before = columns.get(mask.attributeNumber);
  const after = before === undefined ? mask : strictestMask(before, mask);
  columns.set(mask.attributeNumber, after);
  return (
    before === undefined ||
    compareMasks(before.mask, after.mask) !== 0 ||
    before.inference !== after.inference ||
    before.computed !== after.computed
  );
}

/** A mask that the server cannot compute leaves by the gateway alone: such a column is closed to operators. */
function sayable(masks: MasksByOrigin, catalog: CatalogSnapshot): MasksByOrigin {
  for (const [oid, columns] of masks) {
    const relation = catalog.relations.get(oid);
    for (const [attribute, mask] of columns) {
      if (mask.inference !== 'masked') continue;
      const typeOid = relation?.columns.find((column) => column.number === attribute)?.typeOid ?? 0;
      if (maskExpression(mask.mask, typeOid, catalog.types, '') === null) columns.set(attribute, { ...mask, inference: 'closed' });
    }
  }
  return masks;
}

function indexOf(masks: MasksByOrigin, observed: readonly ColumnMask[], catalog: CatalogSnapshot): MaskIndex {
  const byName = new Map<string, Map<string, ColumnMask>>();
  for (const [oid, columns] of masks) {
    const relation = catalog.relations.get(oid);
    if (relation === undefined) continue;
    const names = byName.get(relation.name) ?? new Map<string, ColumnMask>();
    byName.set(relation.name, names);
    for (const column of relation.columns) {
      const mask = columns.get(column.number);
      if (mask === undefined) continue;
      const other = names.get(column.name);
      names.set(column.name, other === undefined ? mask : strictestMask(other, mask));
    }
  }
  return {
    empty: masks.size === 0,
    byOrigin: (relationOid, attributeNumber) => masks.get(relationOid)?.get(attributeNumber) ?? null,
    isTainted: (relationOid) => masks.has(relationOid),
    taintedRelations: byName,
    all: [...masks.values()].flatMap((columns) => [...columns.values()]),
    observed,
  };
}
