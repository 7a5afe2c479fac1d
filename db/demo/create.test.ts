import pg from 'pg';
import { expect, test } from 'vitest';
import { withPostgres } from '../embedded/testing';
import { DEMO_DATABASE, DEMO_ROLE, ensureDemo } from './create';
import { demoRows } from './rows';

function luhnHolds(number: string): boolean {
  const sum = [...number].reverse().reduce((total, char, i) => {
    const digit = Number(char) * (i % 2 === 0 ? 1 : 2);
    return total + (digit > 9 ? digit - 9 : digit);
  }, 0);
  return sum % 10 === 0;
}

test('the rows are the same every time, and shaped like the real thing', () => {
  expect(demoRows()).toEqual(demoRows());
  const rows = new Map(demoRows());
  expect(rows.get('customers')?.length).toBe(500);
  expect(rows.get('orders')?.length).toBe(3_000);
  for (const customer of rows.get('customers') ?? []) expect(customer.ssn).toMatch(/^(?!000|666)[0-6]\d\d-(?!00)\d\d-(?!0000)\d{4}$/);
  for (const card of rows.get('cards') ?? []) expect(luhnHolds(String(card.card_number))).toBe(true);
});

test('the shop is made once, owned by a role that is no superuser, and later starts leave it alone', async () => {
  const admin = await withPostgres();
  const urlOf = (database: string) => Object.assign(new URL(admin.url), { pathname: `/${database}` }).href;
  await ensureDemo(urlOf, 'first');
  const shop = new pg.Client({ connectionString: admin.urlAs(DEMO_ROLE, 'first').replace(admin.database, DEMO_DATABASE) });
  await shop.connect();
  const one = async (sql: string) => (await shop.query({ text: sql, rowMode: 'array' })).rows[0]?.[0];
  try {
    expect(await one('SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user')).toBe(false);
    expect(await one("SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'")).toBe(DEMO_ROLE);
    expect(await one('SELECT count(*)::int FROM orders_2025')).toBeGreaterThan(500);
    expect(await one('SELECT count(*)::int FROM orders_2026')).toBeGreaterThan(500);
    expect(await one('SELECT count(*)::int FROM orders_other')).toBeGreaterThan(50);
    expect(Number(await one('SELECT customer_lifetime_value(customer_id) FROM orders WHERE status = $$paid$$ LIMIT 1'))).toBeGreaterThan(0);
    expect(await one('SELECT count(*)::int FROM order_totals')).toBe(3_000);
    expect((await shop.query('DELETE FROM orders WHERE id = 3')).rowCount).toBe(1);
    expect(await one('SELECT count(*)::int FROM order_items WHERE order_id = 3')).toBe(0);
    expect(
      await one(
        "INSERT INTO customers (name, email, ssn, phone, city, country, date_of_birth) VALUES ('n','e','s','p','c','x','2000-01-01') RETURNING id",
      ),
    ).toBe(501);

    await ensureDemo(urlOf, 'first');
    expect(await one('SELECT count(*)::int FROM orders')).toBe(2_999);

    // The kept password was lost: the role gets the new one, the data stays.
    await ensureDemo(urlOf, 'second');
    const again = new pg.Client({ connectionString: admin.urlAs(DEMO_ROLE, 'second').replace(admin.database, DEMO_DATABASE) });
    await again.connect();
    expect((await again.query('SELECT count(*)::int AS n FROM orders')).rows).toEqual([{ n: 2_999 }]);
    await again.end();
  } finally {
    await shop.end();
    const client = new pg.Client({ connectionString: admin.url });
    await client.connect();
    await client.query(`DROP DATABASE ${DEMO_DATABASE} WITH (FORCE)`);
    await client.query(`DROP ROLE ${DEMO_ROLE}`);
    await client.end();
  }
});
