import { inComment, qualifiedName, quoteName } from '../sql/quote';
import { functionsThatMayRead, OUTSIDE_EXTENSIONS, userFunctions } from './carriers';
import { commented, heading, says } from './say';
import type { HardeningRequest } from './types';

/** Functions that would read for the role what it cannot: those that run as their owner and may read masked data, and those that leave SQL. */
export function crossing(request: HardeningRequest): Map<number, string> {
  const mayRead = functionsThatMayRead(request.catalog, request.masks);
  const found = new Map<number, string>();
  for (const item of userFunctions(request.catalog)) {
    const why = mayRead.get(item.oid);
    if (item.extension !== null && OUTSIDE_EXTENSIONS.has(item.extension)) found.set(item.oid, `reaches past SQL (${item.extension})`);
    else if (item.securityDefiner && why !== undefined) found.set(item.oid, `runs with its owner's rights and ${why}`);
  }
  return found;
}

/** Rights that everyone holds cannot be taken from one role alone. Taking them is the operator's decision, so it is asked for. */
export function fromPublic(request: HardeningRequest): string {
  const { model, database, role, revokePublic } = request;
  const kept = crossing(request);
  const byOid = new Map(userFunctions(request.catalog).map((item) => [item.oid, item]));
  const items = [
    ...model.publicCreate
      .filter((name) => name !== request.schema)
      .map((name) => ({
        why: `Everyone may create objects in the schema ${inComment(name)}. Taken away, so may only its owner and roles that were granted it by name.`,
        sql: `REVOKE CREATE ON SCHEMA ${quoteName(name)} FROM PUBLIC;`,
      })),
    ...[...model.relations.values()].flatMap((rights) => {
      const relation = request.catalog.relations.get(rights.oid);
      const masked = request.masks.some((mask) => mask.relationOid === rights.oid && rights.publicSelect.includes(mask.attributeNumber));
      if (relation === undefined || relation.schema === request.schema || !masked) return [];
      return [
        {
          why: inComment(
            `Everyone may read masked columns of ${relation.schema}.${relation.name}. Roles that need it are granted SELECT by name.`,
          ),
          sql: `REVOKE SELECT ON ${qualifiedName(relation.schema, relation.name)} FROM PUBLIC;`,
        },
      ];
    }),
    ...(model.publicTemporary
      ? [
          {
            why: `Everyone may create temporary tables here. Other roles that need them are granted TEMPORARY by name.`,
            sql: `REVOKE TEMPORARY ON DATABASE ${quoteName(database)} FROM PUBLIC;`,
          },
        ]
      : []),
    ...model.routines.flatMap((rights) => {
      const item = byOid.get(rights.oid);
      const why = kept.get(rights.oid);
      if (item === undefined || why === undefined || !rights.publicExecute) return [];
      const name = `${qualifiedName(item.schema, item.name)}(${rights.identity})`;
      return [
        {
          why: inComment(
            `${item.schema}.${item.name} ${why}. Roles that need it are granted EXECUTE by name${rights.execute ? `, as ${model.role} is here` : ''}.`,
          ),
          sql: `REVOKE EXECUTE ON ROUTINE ${name} FROM PUBLIC;${
            rights.execute && model.role !== role ? `\nGRANT EXECUTE ON ROUTINE ${name} TO ${quoteName(model.role)};` : ''
          }`,
        },
      ];
    }),
  ];
  const intro = revokePublic
    ? '9. What PUBLIC holds and least privilege must not have, taken from everyone (asked for with --revoke-public).'
    : `9. What PUBLIC holds cannot be taken from ${inComment(role)} alone. Each line below takes it from EVERY role that has it only through PUBLIC,
so none is run unless you say so: print them as statements with --revoke-public. Until then verify lists what they would close.`;
  const body = items.map(({ why, sql }) => `${says(why)}\n${revokePublic ? sql : commented(sql)}`);
  return `${heading(intro)}\n${body.join('\n') || says('Nothing: PUBLIC holds no such right.')}`;
}
