import { createHash } from 'node:crypto';
import type { CatalogSnapshot, Relation } from '../catalog/types';
import type { ColumnMask } from '../masking/types';
import { qualifiedName, quoteName } from '../sql/quote';
import { HASH_KEY_TABLE, viewExpression } from './viewExpression';

/** What the comment on a masking view begins with; `made` and `stored` follow (see {@link viewMark}). */
export const VIEW_COMMENT = 'Gatehouse masking view';

/** A view that shows a masked relation with its masks as plain SQL. */
export interface MaskingView {
  relation: Relation;
  schema: string;
  name: string;
  /** The SELECT, one output column a line. */
  query: string;
  /** Stands for the relation and for every mask expression: another mask, another digest. */
  digest: string;
  needsHashKey: boolean;
}

/** Kinds a masking view is made of. A foreign table is left out: what it shows is fetched with somebody else's rights. */
const VIEWABLE: ReadonlySet<string> = new Set(['r', 'p', 'v', 'm']);

/**
 * One view for every masked relation outside `schema`. A view has its relation's bare name where that is what the search path means by it,
 * so that unqualified statements meet the view first; otherwise the schema goes in front, so that no other relation is shadowed.
 */
export function maskingViews(catalog: CatalogSnapshot, masks: readonly ColumnMask[], schema: string): MaskingView[] {
  const byRelation = new Map<number, Map<number, ColumnMask>>();
  for (const mask of masks) {
    const columns = byRelation.get(mask.relationOid) ?? new Map<number, ColumnMask>();
    byRelation.set(mask.relationOid, columns.set(mask.attributeNumber, mask));
  }
  const taken = new Set<string>([HASH_KEY_TABLE]);
  return [...byRelation]
    .flatMap(([oid, columns]) => {
      const relation = catalog.relations.get(oid);
      return relation === undefined || relation.schema === schema || !VIEWABLE.has(relation.kind) ? [] : [{ relation, columns }];
    })
    .sort((a, b) => order(a.relation, b.relation))
    .map(({ relation, columns }) => {
      const name = viewName(catalog, relation, schema, taken);
      taken.add(name);
      return maskingView(catalog, relation, columns, schema, name);
    });
}

export function order(a: { schema: string; name: string }, b: { schema: string; name: string }): number {
  return a.schema < b.schema ? -1 : a.schema > b.schema ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function viewName(catalog: CatalogSnapshot, relation: Relation, schema: string, taken: ReadonlySet<string>): string {
  const path = catalog.searchPath.filter((name) => name !== schema);
  const namesakes = (catalog.relationsByName.get(relation.name) ?? []).filter((other) => other.schema !== schema);
  const first = path.find((name) => namesakes.some((other) => other.schema === name));
  const own = first === undefined ? namesakes.length === 1 : first === relation.schema;
  // pg_catalog is searched first: a view of such a name would never be met.
  if (own && !taken.has(relation.name) && relation.name !== HASH_KEY_TABLE) return relation.name;
  const long = `${relation.schema}__${relation.name}`;
  return Buffer.byteLength(long) <= 63 && !taken.has(long) ? long : `relation_${relation.oid}`;
}

function maskingView(
  catalog: CatalogSnapshot,
  relation: Relation,
  masks: ReadonlyMap<number, ColumnMask>,
  schema: string,
  name: string,
): MaskingView {
  const keyTable = qualifiedName(schema, HASH_KEY_TABLE);
  const expressions: [string, string][] = [];
  const lines = relation.columns.map((column) => {
    const source = `t.${quoteName(column.name)}`;
    const mask = masks.get(column.number);
    if (mask === undefined) return `  ${source}`;
    const expression = viewExpression(mask.mask, column.typeOid, catalog.types, source, keyTable);
    expressions.push([column.name, expression]);
    return `  ${expression} AS ${quoteName(column.name)}`;
  });
  const query = `SELECT\n${lines.join(',\n')}\nFROM ${qualifiedName(relation.schema, relation.name)} AS t`;
  return {
    relation,
    schema,
    name,
    query,
    digest: sha256(JSON.stringify([schema, name, relation.schema, relation.name, expressions])).slice(0, 32),
    needsHashKey: query.includes(keyTable),
  };
}

/** The comment of a masking view as it stood when the script ran; `stored` is the SHA-256 of what PostgreSQL gave back as its definition. */
export const viewMark = (digest: string, stored: string): string => `${VIEW_COMMENT} (made ${digest}, stored ${stored})`;

/**
 * The masking views that are exactly what a script made and what the policy says now: the mark on the view is the one for today's masks,
 * and its definition is the one that was stored then. Anything else is an ordinary view.
 * @param masks as they are without any masking view: {@link withoutRelations}
 * @param comments obj_description by view OID
 */
export function recognisedViews(
  catalog: CatalogSnapshot,
  masks: readonly ColumnMask[],
  comments: ReadonlyMap<number, string>,
): Map<number, MaskingView> {
  const recognised = new Map<number, MaskingView>();
  const bySchema = new Map<string, MaskingView[]>();
  for (const [oid, comment] of comments) {
    const view = catalog.relations.get(oid);
    if (view?.kind !== 'v' || view.definition === null || view.definition === '') continue;
    const made = bySchema.get(view.schema) ?? maskingViews(withoutRelations(catalog, new Set(comments.keys())), masks, view.schema);
    bySchema.set(view.schema, made);
    const expected = made.find((item) => item.name === view.name);
    if (expected !== undefined && comment === viewMark(expected.digest, sha256(view.definition))) recognised.set(oid, expected);
  }
  return recognised;
}

/**
 * The catalog as if some relations were not there. Masking views are taken out before masks are worked out: what is derived is looked for by
 * bare name, and they have the names of what they mask.
 */
export function withoutRelations(catalog: CatalogSnapshot, oids: ReadonlySet<number>): CatalogSnapshot {
  const keep = (relation: Relation) => !oids.has(relation.oid);
  return {
    ...catalog,
    relations: new Map([...catalog.relations].filter(([, relation]) => keep(relation))),
    relationsByName: new Map(
      [...catalog.relationsByName].flatMap(([name, all]): [string, Relation[]][] => {
        const kept = all.filter(keep);
        return kept.length === 0 ? [] : [[name, kept]];
      }),
    ),
  };
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
