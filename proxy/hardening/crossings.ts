import type { Crossing } from '../../db/schema/shapes';
import type { CatalogSnapshot, FunctionInfo, Relation } from '../catalog/types';
import type { ColumnMask } from '../masking/types';
import { dynamicReason, functionsThatMayRead, mentionsIn, OUTSIDE_EXTENSIONS, userFunctions } from './carriers';
import type { RoleFacts } from './roleFacts';

export interface CrossingScope {
  catalog: CatalogSnapshot;
  /** Without the columns of recognised masking views. */
  masks: readonly ColumnMask[];
  facts: RoleFacts;
}

/** pg_type OIDs of trigger and event_trigger: such functions are fired, never called. */
const FIRED: ReadonlySet<number> = new Set([2279, 3838]);

/**
 * What could still have a masked value read for the role although it cannot read it itself. Errs towards listing: what cannot be analysed
 * is on the list. Pure.
 */
export function findCrossings(scope: CrossingScope): Crossing[] {
  return [
    ...functions(scope),
    ...views(scope),
    ...triggers(scope),
    ...rules(scope),
    ...foreign(scope),
    ...outside(scope),
    ...rights(scope),
    ...system(scope),
  ];
}

function functions({ catalog, masks, facts }: CrossingScope): Crossing[] {
  const mayRead = functionsThatMayRead(catalog, masks);
  return userFunctions(catalog).flatMap((item): Crossing[] => {
    const why = mayRead.get(item.oid);
    if (why === undefined || FIRED.has(item.returnTypeOid)) return [];
    if (item.securityDefiner && facts.executes.has(item.oid))
      return [{ kind: 'function', object: nameOf(item), detail: `SECURITY DEFINER, executable, and ${why}` }];
    // LISTEN needs no right: whoever runs it tells every session that listens.
    if (/\b(?:pg_notify|notify)\b/i.test(item.source ?? ''))
      return [{ kind: 'function', object: nameOf(item), detail: `notifies, and ${why}: any session may LISTEN to what others cause` }];
    return [];
  });
}

/** Views read with their owner's rights; those whose columns are masked by derivation show what they derive from. */
function views({ catalog, masks, facts }: CrossingScope): Crossing[] {
  const byView = new Map<Relation, string[]>();
  for (const mask of masks) {
    const relation = catalog.relations.get(mask.relationOid);
    if (relation?.kind !== 'v' || !facts.readable.has(`${mask.relationOid}.${mask.attributeNumber}`)) continue;
    byView.set(relation, [...(byView.get(relation) ?? []), mask.column.slice(relation.schema.length + relation.name.length + 2)]);
  }
  return [...byView].map(([view, columns]) => ({
    kind: 'view',
    object: nameOf(view),
    detail: `readable, with its owner's rights, and shows what masked columns hold in ${columns.join(', ')}`,
  }));
}

function triggers({ catalog, masks, facts }: CrossingScope): Crossing[] {
  const byOid = new Map(userFunctions(catalog).map((item) => [item.oid, item]));
  const masked = new Set(masks.map((mask) => mask.relationOid));
  return [...masked].flatMap((oid) => {
    const relation = catalog.relations.get(oid);
    return (relation?.triggers ?? []).flatMap((trigger): Crossing[] => {
      const fired = byOid.get(trigger.functionOid);
      if (relation === undefined || !trigger.enabled) return [];
      const why = fired === undefined ? { notifies: true, words: 'runs a function that is not known' } : speaks(catalog, fired);
      if (why === null) return [];
      const writable = trigger.events.filter((event) => facts.writes.get(oid)?.includes(event) === true);
      if (writable.length === 0 && !why.notifies) return [];
      const how = writable.length > 0 ? `fires when the role may ${writable.join(', ')}` : 'fires for others, and any session may LISTEN';
      const name = fired === undefined ? `function ${trigger.functionOid}` : nameOf(fired);
      return [{ kind: 'trigger', object: `${nameOf(relation)} (${name})`, detail: `${how}, sees the whole row, and ${why.words}` }];
    });
  });
}

/** How a trigger function's row could reach somebody, through the functions it calls as well; null when it cannot. */
function speaks(catalog: CatalogSnapshot, fired: FunctionInfo): { notifies: boolean; words: string } | null {
  const all = userFunctions(catalog).filter((item) => !(item.language === 'c' && item.extension !== null));
  const reached = new Set([fired]);
  for (const item of reached) {
    const mentions = mentionsIn(item.source ?? '');
    for (const other of all) if (!reached.has(other) && mentions(other.name)) reached.add(other);
  }
  for (const item of reached) {
    const via = item === fired ? '' : `calls ${nameOf(item)}, which `;
    const dynamic = dynamicReason(item);
    if (dynamic !== null) return { notifies: true, words: `${via}${dynamic}` };
    const source = item.source ?? '';
    if (/\b(?:pg_notify|notify)\b/i.test(source)) return { notifies: true, words: `${via}notifies` };
    if (/\braise\b/i.test(source)) return { notifies: false, words: `${via}raises messages` };
    if (/\b(?:set_config|setval|pg_advisory\w*|dblink\w*|pg_logical_emit_message)\b/i.test(source))
      return { notifies: false, words: `${via}leaves traces outside of tables` };
    // What the fired function itself writes is masked as a copy; what others write for it is not known to be one.
    if (item !== fired && /\b(?:insert\s+into|update|merge\s+into|copy)\b/i.test(source))
      return { notifies: false, words: `${via}writes tables` };
  }
  return null;
}

function rules({ catalog, masks, facts }: CrossingScope): Crossing[] {
  return [...new Set(masks.map((mask) => mask.relationOid))].flatMap((oid) => {
    const relation = catalog.relations.get(oid);
    return (relation?.rules ?? []).flatMap((rule): Crossing[] =>
      relation === undefined || rule.event === 'select' || facts.writes.get(oid)?.includes(rule.event) !== true
        ? []
        : [
            {
              kind: 'rule',
              object: `${nameOf(relation)} (on ${rule.event})`,
              detail: "rewrites what the role writes, with its owner's rights",
            },
          ],
    );
  });
}

function foreign({ facts }: CrossingScope): Crossing[] {
  const servers = facts.servers.flatMap((server): Crossing[] => {
    if (!server.usage && !server.tables) return [];
    const how = [
      ...(server.usage ? ['the role has USAGE on it'] : []),
      ...(server.tables ? ['the role reads foreign tables of it'] : []),
      server.mapped ? 'a user mapping signs it in there as somebody else' : 'the role may map itself',
    ];
    return [{ kind: 'foreign server', object: server.name, detail: how.join(', ') }];
  });
  const wrappers = facts.wrappers.map((name): Crossing => {
    return { kind: 'foreign server', object: name, detail: 'the role has USAGE on this foreign-data wrapper and may make servers of it' };
  });
  return [...servers, ...wrappers];
}

function outside({ catalog, facts }: CrossingScope): Crossing[] {
  const extensions = new Map<string, number>();
  for (const item of userFunctions(catalog))
    if (item.extension !== null && OUTSIDE_EXTENSIONS.has(item.extension) && facts.executes.has(item.oid))
      extensions.set(item.extension, (extensions.get(item.extension) ?? 0) + 1);
  return [
    ...[...extensions].map(([name, count]): Crossing => {
      return { kind: 'outside function', object: name, detail: `${count} functions of this extension are executable and reach past SQL` };
    }),
    ...facts.outside.map(
      (name): Crossing => ({ kind: 'outside function', object: `pg_catalog.${name}`, detail: 'executable, reads or writes files' }),
    ),
    ...facts.untrusted.map(
      (name): Crossing => ({ kind: 'outside function', object: name, detail: 'executable, in an untrusted language' }),
    ),
  ];
}

function rights({ catalog, masks, facts }: CrossingScope): Crossing[] {
  const perRelation = [...new Set(masks.map((mask) => mask.relationOid))].flatMap((oid) => {
    const relation = catalog.relations.get(oid);
    const words = (facts.writes.get(oid) ?? []).filter((right) => right === 'TRIGGER' || right === 'REFERENCES');
    return relation === undefined || words.length === 0
      ? []
      : [{ kind: 'privilege', object: nameOf(relation), detail: `the role has ${words.join(' and ')} on it` } satisfies Crossing];
  });
  const path = new Set(catalog.searchPath);
  const elsewhere = facts.createIn.filter((name) => !path.has(name));
  return [
    ...perRelation,
    ...elsewhere.map((name): Crossing => {
      return { kind: 'create', object: name, detail: 'the role may create objects in this schema, which others may run with their rights' };
    }),
    ...(facts.createSchemas ? [{ kind: 'create', object: 'this database', detail: 'the role may create schemas' } satisfies Crossing] : []),
  ];
}

function system({ facts }: CrossingScope): Crossing[] {
  return [
    ...facts.statistics.map((column): Crossing => {
      return { kind: 'statistics', object: column, detail: 'pg_stats shows the role values of this column' };
    }),
    ...facts.catalogs.map(
      (name): Crossing => ({ kind: 'system catalog', object: `pg_catalog.${name}`, detail: 'readable, holds raw values' }),
    ),
    ...(facts.largeObjects > 0
      ? [
          {
            kind: 'large object',
            object: `${facts.largeObjects} large objects`,
            detail: 'readable, and no rule masks what is in them',
          } satisfies Crossing,
        ]
      : []),
  ];
}

const nameOf = (item: { schema: string; name: string }): string => `${item.schema}.${item.name}`;
