import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { directSettings, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { WireClient } from './wireClient';

type Client = Awaited<ReturnType<typeof open>>;

/** Ten rows in a table of its own, a driver's client and a protocol client through the gateway, and the database around it. */
interface TenRows {
  client: Client;
  wire: WireClient;
  direct: Client;
  count(): Promise<number>;
}

/** Makes a table of ten rows before each test of the calling file. The clients are read from the result inside tests. */
export function tenRows(table: string): TenRows {
  const gateway = sharedGateway();
  const rows = {
    count: async () => (await rows.direct.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n as number,
  } as TenRows;
  beforeAll(async () => {
    rows.direct = await open(directSettings(gateway));
    await rows.direct.query(
      `DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table} (id int PRIMARY KEY, note text); GRANT ALL ON ${table} TO shop_app`,
    );
  });
  afterAll(async () => {
    await rows.direct.query(`DROP TABLE IF EXISTS ${table}`);
    await rows.direct.end();
  });
  beforeEach(async () => {
    await rows.direct.query(`TRUNCATE ${table}; INSERT INTO ${table} SELECT g, 'row ' || g FROM generate_series(1, 10) AS g`);
    rows.client = await open(proxySettings(gateway));
    rows.wire = await WireClient.signIn(proxySettings(gateway));
  });
  afterEach(async () => {
    rows.wire.close();
    await rows.client.end().catch(() => undefined);
  });
  return rows;
}
