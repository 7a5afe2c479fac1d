import type pg from 'pg';

export interface Dependency {
  relationOid: number;
  number: number;
}

/** The columns that PostgreSQL notes each view's query to name, by the view's OID. */
export async function readDependencies(client: pg.Client): Promise<ReadonlyMap<number, readonly Dependency[]>> {
  const { rows } = await client.query<Dependency & { view: number }>(
    `SELECT DISTINCT r.ev_class AS view, d.refobjid AS "relationOid", d.refobjsubid AS number
       FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
      WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND r.ev_type = '1' AND d.refobjsubid > 0 AND d.refobjid <> r.ev_class
      ORDER BY 1, 2, 3`,
  );
  const byView = new Map<number, Dependency[]>();
  for (const { view, relationOid, number } of rows) byView.set(view, [...(byView.get(view) ?? []), { relationOid, number }]);
  return byView;
}
