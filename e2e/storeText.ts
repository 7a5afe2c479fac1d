import { directSettings, open } from './clients';
import type { Gateway } from './gateway';

/** Every row of every table of the store, as text: all that a dump of it holds. */
export async function storeText(gateway: Gateway): Promise<string> {
  const store = await open(directSettings(gateway, 'gatehouse'));
  const { rows: tables } = await store.query<{ name: string }>(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  );
  let text = '';
  for (const { name } of tables) text += JSON.stringify((await store.query(`SELECT t::text FROM ${name} AS t`)).rows);
  await store.end();
  return text;
}
