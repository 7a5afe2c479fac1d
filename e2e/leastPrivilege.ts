import { parse, stringify } from 'yaml';
import type { Api } from './api';
import { gatehouse } from './cli';
import { directSettings, open } from './clients';
import type { Gateway } from './gateway';

export const LEAST = 'shop-least';
const PASSWORD = 'least-of-shop-4711';

/**
 * Prints the demo connection's hardening SQL, runs it as the database's superuser, and adds a second connection that signs in as the role it
 * makes, under the same masking rules. `undo` puts policy and database back.
 */
export async function addLeastPrivilege(gateway: Gateway, admin: Api): Promise<{ sql: string; undo(): Promise<void> }> {
  const before = (await admin.policy.export.query()).yaml;
  const { stdout: sql, stderr, code } = await gatehouse(gateway, ['connections', 'harden', 'shop']);
  if (code !== 0) throw new Error(`harden: ${stderr}`);
  const direct = await open(directSettings(gateway));
  await direct.query(`${sql}; ALTER ROLE gatehouse_shop PASSWORD '${PASSWORD}'`);
  const { host, port, database } = (await admin.connections.list.query()).find((row) => row.name === 'shop') ?? {};
  await admin.connections.save.mutate({
    ...{ name: LEAST, host: String(host), port: Number(port), database: String(database), username: 'gatehouse_shop', password: PASSWORD },
    tls: 'disable',
  });
  const document = parse((await admin.policy.export.query()).yaml);
  for (const entry of document.access) entry.connections.push(LEAST);
  for (const rule of document.masking) rule.connections.push(LEAST);
  await admin.policy.applyYaml.mutate({ yaml: stringify(document), dryRun: false });
  return {
    sql,
    async undo() {
      await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
      await direct.query('DROP OWNED BY gatehouse_shop, gatehouse_shop_masks; DROP SCHEMA gatehouse_masked CASCADE');
      await direct.query('DROP ROLE gatehouse_shop, gatehouse_shop_masks');
      await direct.end();
    },
  };
}
