import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { addLeastPrivilege, LEAST } from './leastPrivilege';

const gateway = sharedGateway();
let admin: Api;
let least: Awaited<ReturnType<typeof addLeastPrivilege>>;

beforeAll(async () => {
  admin = apiAsAdmin(gateway);
  least = await addLeastPrivilege(gateway, admin);
});
afterAll(() => least.undo());

const verify = (name: string) => gatehouse(gateway, ['connections', 'verify', name]);

/** Opens a session, runs one statement, and says who enforced it as the console shows it. */
async function enforcementOf(database: string): Promise<string> {
  const client = await open(proxySettings(gateway, { database, applicationName: `hardening ${Date.now()}` }));
  const name = String((await client.query('SHOW application_name')).rows[0].application_name);
  const session = await eventually('the session', async () =>
    (await admin.sessions.list.query({ state: 'open' })).items.find((row) => row.applicationName === name && row.lastStatement),
  );
  const statement = await admin.audit.get.query({ id: session.lastStatement?.id ?? '' });
  expect(statement.enforcement).toBe(session.enforcement);
  await client.end();
  return session.enforcement;
}

describe('a connection that signs in with least privilege', () => {
  test('standard output is SQL alone', () => {
    expect(least.sql.startsWith('-- Gatehouse: least privilege for the connection shop')).toBe(true);
    expect(least.sql).toContain('CREATE VIEW "gatehouse_masked"."customers"');
    expect(least.sql.trimEnd().split('\n').at(-1)).toMatch(/^--/);
  });

  test('is gateway-enforced until it is verified, and then its sessions are database-enforced', async () => {
    expect(await enforcementOf(LEAST)).toBe('gateway');
    const proved = await verify(LEAST);
    expect(proved.stdout).toMatch(/^shop-least as gatehouse_shop: database-enforced\n(\d+) of \1 masked columns proved unreadable/);
    expect(proved.code, proved.stdout + proved.stderr).toBe(0);
    expect(await enforcementOf(LEAST)).toBe('database');
    expect(await enforcementOf('shop')).toBe('gateway');
  });

  test('refuses what the gateway would let through by mistake, and shows what is not masked', async () => {
    const client = await open(proxySettings(gateway, { database: LEAST }));
    expect((await client.query('SELECT id, name, city FROM customers WHERE id = 1')).rowCount).toBe(1);
    expect((await client.query('SELECT ssn FROM customers WHERE id = 1')).rows[0].ssn).toMatch(/\*/);
    await client.end();
  });

  test('the role of the demo is not enforced by the database', async () => {
    const { code, stdout } = await verify('shop');
    expect(code).toBe(1);
    expect(stdout).toContain('shop as shop_app: gateway-enforced');
    expect(stdout).toContain('the role owns public.customers, or may become its owner');
  });

  test('a changed catalog, or changed masking, is gateway-enforced until it is verified again', async () => {
    const direct = await open(directSettings(gateway));
    await verify(LEAST);
    await eventually('enforced', async () => (await enforcementOf(LEAST)) === 'database');
    await direct.query('CREATE TABLE hardening_probe (id int)');
    await eventually('lapsed with the catalog', async () => (await enforcementOf(LEAST)) === 'gateway');
    await direct.query('DROP TABLE hardening_probe');
    await direct.end();
    await verify(LEAST);
    await eventually('enforced again', async () => (await enforcementOf(LEAST)) === 'database');
    const rule = (await admin.masking.list.query()).find((row) => row.name === 'customer-email') ?? expect.fail('no such rule');
    const { position: _position, updatedAt: _updated, ...draft } = rule;
    await admin.masking.save.mutate({ ...draft, mask: { type: 'redact' } });
    await eventually('lapsed with the masks', async () => (await enforcementOf(LEAST)) === 'gateway');
    await admin.masking.save.mutate(draft);
    await eventually('as it was', async () => (await enforcementOf(LEAST)) === 'database');
  });
});
