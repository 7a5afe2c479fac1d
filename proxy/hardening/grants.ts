import type { Relation } from '../catalog/types';
import { inComment, qualifiedName, quoteName } from '../sql/quote';
import { userFunctions } from './carriers';
import { crossing } from './fromPublic';
import { type MaskingView, order } from './maskingViews';
import { ownerOf } from './owner';
import { heading, says } from './say';
import type { HardeningRequest, RelationRights } from './types';

export function relations(request: HardeningRequest, views: readonly MaskingView[]): string {
  const viewOf = new Map(views.map((view) => [view.relation.oid, view]));
  const masked = maskedByRelation(request);
  const parts = grantable(request).map(({ relation, rights }) => {
    const hidden = masked.get(relation.oid) ?? new Set<number>();
    const name = qualifiedName(relation.schema, relation.name);
    const lines = grants(request, relation, rights, hidden);
    if (hidden.size === 0) return lines.join('\n');
    const columns = relation.columns.filter((column) => hidden.has(column.number)).map((column) => column.name);
    const through = viewOf.get(relation.oid);
    const note = inComment(`${relation.schema}.${relation.name}: not to be read: ${columns.join(', ')}`);
    const where =
      through === undefined ? '; a foreign table gets no masking view' : inComment(`; masked in ${request.schema}.${through.name}`);
    const owner = through === undefined ? [] : ownerGrants(request, relation, rights, name);
    return [says(note + where), ...lines, ...owner].join('\n');
  });
  return `${heading(
    `4. Tables and views: what ${inComment(request.model.role)} may do${request.readOnly ? ', reading only' : ''}, by column where columns are masked.
Masked columns may be written where they could be before: writing reads nothing.
Never handed on: TRUNCATE, REFERENCES, TRIGGER, MAINTAIN, and owning anything.`,
  )}\n${parts.filter((part) => part !== '').join('\n') || says('None.')}`;
}

/** The relations the model may do something with, in order; other connections' masking views are none of them. */
export function grantable({ catalog, model, schema }: HardeningRequest): { relation: Relation; rights: RelationRights }[] {
  return [...model.relations.values()]
    .flatMap((rights) => {
      const relation = catalog.relations.get(rights.oid);
      const some = rights.select.length + rights.insert.length + rights.update.length > 0 || rights.delete;
      return relation === undefined || relation.schema === schema || !some ? [] : [{ relation, rights }];
    })
    .sort((a, b) => order(a.relation, b.relation));
}

function maskedByRelation({ masks }: HardeningRequest): Map<number, Set<number>> {
  const masked = new Map<number, Set<number>>();
  for (const mask of masks) masked.set(mask.relationOid, (masked.get(mask.relationOid) ?? new Set()).add(mask.attributeNumber));
  return masked;
}

function grants(request: HardeningRequest, relation: Relation, rights: RelationRights, hidden: ReadonlySet<number>): string[] {
  const readable = rights.select.filter((number) => !hidden.has(number));
  const wanted = [
    privilege('SELECT', relation, readable),
    // A materialised view has the bits of a table and takes no writes.
    ...(request.readOnly || relation.kind === 'm' ? [] : writeRights(relation, rights)),
  ].filter((part) => part !== null);
  if (wanted.length === 0) return hidden.size === 0 ? [] : [says('Every column of it is masked: nothing to grant.')];
  return [`GRANT ${wanted.join(', ')} ON ${qualifiedName(relation.schema, relation.name)} TO ${quoteName(request.role)};`];
}

/** `SELECT`, or `SELECT ("a", "b")` where only some columns are meant; null where none is. */
function privilege(right: string, relation: Relation, numbers: readonly number[]): string | null {
  const columns = relation.columns.filter((column) => numbers.includes(column.number));
  if (columns.length === 0) return null;
  if (columns.length === relation.columns.length) return right;
  return `${right} (${columns.map((column) => quoteName(column.name)).join(', ')})`;
}

/** What goes through a masking view is done with its owner's rights: reading everything, and writing what the role may write. */
function ownerGrants(request: HardeningRequest, relation: Relation, rights: RelationRights, name: string): string[] {
  const writes = request.readOnly || !isTable(relation) ? [] : writeRights(relation, rights);
  return [`GRANT ${['SELECT', ...writes].join(', ')} ON ${name} TO ${quoteName(ownerOf(request.role))};`];
}

export const isTable = (relation: Relation) => relation.kind === 'r' || relation.kind === 'p';

function writeRights(relation: Relation, rights: RelationRights): string[] {
  const parts = [
    privilege('INSERT', relation, rights.insert),
    privilege('UPDATE', relation, rights.update),
    rights.delete ? 'DELETE' : null,
  ];
  return parts.filter((part) => part !== null);
}

export function sequences({ model, role, schema }: HardeningRequest): string {
  const lines = model.sequences
    .filter((sequence) => sequence.schema !== schema && (sequence.usage || sequence.select))
    .map(({ schema: of, name, usage, select }) => {
      const rights = [...(usage ? ['USAGE'] : []), ...(select ? ['SELECT'] : [])].join(', ');
      return `GRANT ${rights} ON SEQUENCE ${qualifiedName(of, name)} TO ${quoteName(role)};`;
    });
  return `${heading('5. Sequences: the next value, never setval, which could carry a value away.')}\n${lines.join('\n') || says('None.')}`;
}

export function routines(request: HardeningRequest): string {
  const kept = crossing(request);
  const byOid = new Map(userFunctions(request.catalog).map((item) => [item.oid, item]));
  const lines = request.model.routines.flatMap((rights) => {
    const item = byOid.get(rights.oid);
    if (item === undefined || !rights.execute || rights.publicExecute || kept.has(rights.oid)) return [];
    return [`GRANT EXECUTE ON ROUTINE ${qualifiedName(item.schema, item.name)}(${rights.identity}) TO ${quoteName(request.role)};`];
  });
  return `${heading(
    `6. Functions that ${inComment(request.model.role)} may execute and PUBLIC may not. Those that run as the caller read no more than the caller.
Left out: what runs with its owner's rights and may read masked data. Part 9 has what PUBLIC holds.`,
  )}\n${lines.join('\n') || says('None.')}`;
}
