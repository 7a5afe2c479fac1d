import type pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { apiAsAdmin } from '../api';
import { eventually, failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const NAMES = ['budget-statements', 'budget-rows', 'budget-masked'];

/** A principal with these budgets, and a client of it on the demo database. */
async function principal(name: string, limits: object): Promise<() => Promise<pg.Client>> {
  const existing = (await admin.principals.list.query()).find((one) => one.name === name);
  const draft = { name, kind: 'agent' as const, groups: ['agents'], limits };
  await admin.principals.save.mutate({ ...draft, ...(existing === undefined ? {} : { id: existing.id }) });
  const { secret } = await admin.tokens.create.mutate({ principal: name, label: 'e2e', ttlMs: 3_600_000 });
  return () => open(proxySettings(gateway, { user: name, password: secret, database: 'shop' }));
}

const idOf = async (name: string) => (await admin.principals.list.query()).find((one) => one.name === name)?.id ?? '';

afterAll(async () => {
  for (const name of NAMES) {
    const id = await idOf(name);
    if (id !== '') await admin.principals.disable.mutate({ id });
  }
});

const SPENT = { severity: 'ERROR', code: '53400' };

describe('budgets of a principal', () => {
  test('statements: counted over all its sessions and workers, to the last one', async () => {
    const connect = await principal('budget-statements', { perHour: { statements: 10 }, perDay: { statements: 1_000 } });
    const clients = await Promise.all([connect(), connect(), connect(), connect()]);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 24 }, (_, i) =>
        clients[i % 4]?.query(i % 2 === 0 ? 'SELECT id FROM orders LIMIT 1' : { text: 'SELECT id FROM orders WHERE id = $1', values: [i] }),
      ),
    );
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(10);
    const [client] = clients;
    if (client === undefined) throw new Error('no client');
    const error = await failure(client.query('SELECT id FROM orders LIMIT 1'));
    expect(error).toMatchObject({ ...SPENT, message: 'budget of statements per hour is used up' });
    const reset = new Date();
    reset.setUTCMinutes(60, 0, 0);
    expect(error.detail).toBe(`10 of 10 statements were used in this hour; it begins anew at ${reset.toISOString()}.`);
    // A transaction can be ended, and a session set up.
    await client.query('BEGIN');
    await client.query("SET application_name = 'x'");
    expect(await failure(client.query('SELECT id FROM orders'))).toMatchObject(SPENT);
    await client.query('ROLLBACK');
    for (const one of clients) await one.end();
    const later = await connect();
    expect(await failure(later.query('SELECT id FROM orders LIMIT 1'))).toMatchObject(SPENT);
    await later.end();
    // What was refused is given back within a second.
    const id = await idOf('budget-statements');
    await expect
      .poll(async () => (await admin.principals.usage.query({ id })).periods, { timeout: 5_000 })
      .toMatchObject([
        { period: 'hour', amounts: [{ amount: 'statements', used: 10, limit: 10 }] },
        { period: 'day', amounts: [{ amount: 'statements', used: 10, limit: 1_000 }] },
      ]);
  });

  test('rows: the result ends where the budget does', async () => {
    const connect = await principal('budget-rows', { perDay: { rows: 25 } });
    const client = await connect();
    expect((await client.query('SELECT g FROM generate_series(1, 20) g')).rowCount).toBe(20);
    const cut = await failure(client.query('SELECT g FROM generate_series(1, 20) g'));
    expect(cut).toMatchObject({ ...SPENT, message: 'budget of rows per day is used up' });
    expect(await failure(client.query('SELECT 1 FROM orders'))).toMatchObject(SPENT);
    await client.end();
    const used = await eventually('the rows', async () => {
      const { periods } = await admin.principals.usage.query({ id: await idOf('budget-rows') });
      const amount = periods[0]?.amounts[0];
      return amount?.used === 25 ? amount : undefined;
    });
    expect(used).toMatchObject({ amount: 'rows', limit: 25 });
  });

  test('distinct masked values: the same ones again cost nothing, those too many are not shown', async () => {
    const connect = await principal('budget-masked', { perHour: { maskedValues: 10 } });
    const client = await connect();
    const read = (n: number) => client.query(`SELECT email FROM customers ORDER BY id LIMIT ${n}`);
    expect((await read(6)).rows).toHaveLength(6);
    expect((await read(10)).rows).toHaveLength(10);
    expect((await read(10)).rows).toHaveLength(10);
    // With one key in a hundred two of so few count as one; proxy/limits/usage.test.ts has the exact count for a key that is always the same.
    expect(await failure(read(12))).toMatchObject({ ...SPENT, message: 'budget of distinct masked values per hour is used up' });
    expect((await client.query('SELECT id FROM orders LIMIT 3')).rowCount).toBe(3);
    await client.end();
  });

  test('a scraper sees how many principals have used one up, and not which', async () => {
    await expect
      .poll(async () => Number(/^gatehouse_budgets_used_up (\d+)$/m.exec(await (await fetch(`${gateway.consoleUrl}/metrics`)).text())?.[1]))
      .toBeGreaterThanOrEqual(2);
  });
});
