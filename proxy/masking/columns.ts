import { columnKey } from '../catalog/formerNames';
import type { CatalogSnapshot, Column, Relation } from '../catalog/types';
import { matchesGlob } from '../policy/glob';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';
import { appliesTo, type MaskingScope } from './applies';
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

type Scope = MaskingScope & { connection: ConnectionPolicy; catalog: CatalogSnapshot };

const MASKABLE: ReadonlySet<string> = new Set(['r', 'p', 'v', 'm', 'f']);

/** Resolves the masking rules against a catalog. Pure; costs a parse per view, so callers keep the result per policy and catalog version. */
export function maskedColumnsFor(scope: Scope): MaskIndex {
  const rules = scope.masking.filter((rule) => rule.columns.length > 0 && appliesTo(rule, scope));
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

/**
 * Whether some mask may apply, whatever the catalog says: while it is not known, such a session is treated as one that has masks.
 * Rules that only observe content count too: they look at every cell.
 */
export function mayBeMasked(scope: MaskingScope): boolean {
  return scope.masking.some(
    (rule) => appliesTo(rule, scope) && (rule.detect.length > 0 || (rule.mode === 'enforce' && rule.columns.length > 0)),
  );
}

/** Masks by relation OID, then attribute number. */
export type MasksByOrigin = Map<number, Map<number, ColumnMask>>;

function matchColumns(rules: readonly MaskingRule[], catalog: CatalogSnapshot): MasksByOrigin {
  const masks: MasksByOrigin = new Map();
  if (rules.length === 0) return masks;
  for (const relation of catalog.relations.values()) {
    if (!isMaskable(relation)) continue;
    for (const column of relation.columns) {
      const former = catalog.formerNames.get(columnKey(relation.oid, column.number)) ?? [];
      const paths = [[relation.schema, relation.name, column.name] as const, ...former];
      for (const rule of rules) {
        if (!rule.columns.some((glob) => paths.some((path) => matchesGlob(glob, path)))) continue;
        addMask(masks, maskOn(relation, column, rule));
      }
    }
  }
  return masks;
}

/** The columns that rules name on a connection, whoever asks, as they are called now. */
export function namedColumns(scope: Pick<Scope, 'masking' | 'connection' | 'catalog'>): readonly ColumnMask[] {
  const rules = scope.masking.filter((rule) => rule.columns.length > 0 && appliesTo(rule, { ...scope, principal: { groups: [] } }));
  return [...matchColumns(rules, scope.catalog).values()].flatMap((columns) => [...columns.values()]);
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
    for (const column of relation.columns) {
      const mask = columns.get(column.number);
      if (mask === undefined) continue;
      // The snapshot may be a moment old, and a column be called again what it was called before.
      const former = catalog.formerNames.get(columnKey(relation.oid, column.number)) ?? [];
      for (const [, relationName, columnName] of [[relation.schema, relation.name, column.name] as const, ...former]) {
        const names = byName.get(relationName) ?? new Map<string, ColumnMask>();
        byName.set(relationName, names);
        const other = names.get(columnName);
        names.set(columnName, other === undefined ? mask : strictestMask(other, mask));
      }
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
