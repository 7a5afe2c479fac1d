import pg from 'pg';
import { demoRows, type Row } from './rows';
import { SCHEMA } from './schema';

/** The demo's upstream role. Not a superuser: it owns the shop and nothing else. */
export const DEMO_ROLE = 'shop_app';
export const DEMO_DATABASE = 'shop';
/** Set in the transaction that fills the shop, so a shop with it is whole and is never touched again, whatever was done to it since. */
const MARK = 'Gatehouse demo';

/**
 * Makes the demo database unless it is there: the role with this password, the database it owns, its schema and data.
 * A shop that was cut short is finished; one that is whole is left as people made it.
 *
 * @param adminUrl a superuser's URL for a database of the cluster
 */
export async function ensureDemo(adminUrl: (database: string) => string, password: string): Promise<void> {
  const asOwner = new URL(adminUrl(DEMO_DATABASE));
  asOwner.username = DEMO_ROLE;
  asOwner.password = password;
  if (await isWhole(asOwner.href)) return;
  await connected(adminUrl('postgres'), (client) => makeRoleAndDatabase(client, password));
  await connected(asOwner.href, fill);
}

async function isWhole(url: string): Promise<boolean> {
  try {
    return await connected(url, marked);
  } catch (error) {
    // 28P01 wrong password or no such role, 3D000 no such database: it is made below.
    if (['28P01', '3D000'].includes((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
}

async function marked(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ mark: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = current_database()",
  );
  return rows[0]?.mark === MARK;
}

async function makeRoleAndDatabase(client: pg.Client, password: string): Promise<void> {
  const { rows } = await client.query<{ role: boolean; database: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role, EXISTS (SELECT FROM pg_database WHERE datname = $2) AS database',
    [DEMO_ROLE, DEMO_DATABASE],
  );
  const verb = rows[0]?.role === true ? 'ALTER' : 'CREATE';
  await client.query(
    `${verb} ROLE ${DEMO_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD ${client.escapeLiteral(password)}`,
  );
  if (rows[0]?.database !== true) await client.query(`CREATE DATABASE ${DEMO_DATABASE} OWNER ${DEMO_ROLE}`);
  await client.query(`REVOKE ALL ON DATABASE ${DEMO_DATABASE}, postgres, template1 FROM PUBLIC`);
}

async function fill(client: pg.Client): Promise<void> {
  if (await marked(client)) return;
  await client.query('BEGIN');
  await client.query(SCHEMA);
  for (const [table, rows] of demoRows()) await insert(client, table, rows);
  await client.query(`COMMENT ON DATABASE ${DEMO_DATABASE} IS ${client.escapeLiteral(MARK)}`);
  await client.query('COMMIT');
  await client.query('ANALYZE');
}

async function insert(client: pg.Client, table: string, rows: Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).join(', ');
  await client.query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`, [
    JSON.stringify(rows),
  ]);
  if (rows[0]?.id === undefined) return;
  await client.query(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), ${rows.length})`);
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'gatehouse demo' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
