import { eq } from 'drizzle-orm';
import { connections } from '../../db/schema/policy';
import { mayConnect } from '../../proxy/identity/signIn';
import { readTimedAccess } from '../../proxy/identity/timedAccess';
import { readAccess } from '../access/list';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { getRuntime } from '../runtime';
import type { Snippets } from './shape';

/** What to paste to connect through the gateway. The token is `$GATEHOUSE_TOKEN`, so a snippet can be shared. */
export async function connectionSnippets({ store, actor }: Call, input: unknown): Promise<Snippets> {
  demand(actor, 'connections:own');
  const { id } = parseInput(idSchema, input);
  const [row] = await store.select({ name: connections.name }).from(connections).where(eq(connections.id, id));
  const grants = [...(await readAccess(store)), ...(await readTimedAccess(store))];
  if (row === undefined || (seesOnlyOwn(actor) && !mayConnect(grants, actor, row.name, new Date()))) throw notFound('connection', id);
  const { proxyHost = '127.0.0.1', proxyPort = 6432 } = getRuntime();
  return snippetsFor({ host: proxyHost, port: proxyPort, database: row.name, user: 'PRINCIPAL' });
}

/** Pure. `user` stands for the name of the principal that connects. */
export function snippetsFor({ host, port, database, user }: { host: string; port: number; database: string; user: string }): Snippets {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return {
    psql: `PGPASSWORD="$GATEHOUSE_TOKEN" psql "host=${host} port=${port} dbname=${database} user=${user}"`,
    uri: `postgresql://${user}:$GATEHOUSE_TOKEN@${bracketed}:${port}/${database}`,
    env: [`PGHOST=${host}`, `PGPORT=${port}`, `PGDATABASE=${database}`, `PGUSER=${user}`, 'PGPASSWORD=$GATEHOUSE_TOKEN'].join('\n'),
    node: [
      "import pg from 'pg';",
      '',
      'const client = new pg.Client({',
      `  host: '${host}',`,
      `  port: ${port},`,
      `  database: '${database}',`,
      `  user: '${user}',`,
      '  password: process.env.GATEHOUSE_TOKEN,',
      '});',
      'await client.connect();',
    ].join('\n'),
    python: [
      'import os',
      'import psycopg',
      '',
      'connection = psycopg.connect(',
      `    host="${host}", port=${port}, dbname="${database}", user="${user}",`,
      '    password=os.environ["GATEHOUSE_TOKEN"],',
      ')',
    ].join('\n'),
    jdbc: [
      `String url = "jdbc:postgresql://${bracketed}:${port}/${database}";`,
      `Connection connection = DriverManager.getConnection(url, "${user}", System.getenv("GATEHOUSE_TOKEN"));`,
    ].join('\n'),
  };
}
