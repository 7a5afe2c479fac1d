import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
let admin: Api;
let client: Awaited<ReturnType<typeof open>>;
let direct: Awaited<ReturnType<typeof open>>;
/** Makes this run's statements findable by their text. */
const mark = `audit_${Date.now().toString(36)}`;

beforeAll(async () => {
  admin = apiAsAdmin(gateway);
  direct = await open(directSettings(gateway));
  client = await open({ ...proxySettings(gateway), application_name: mark });
});
afterAll(async () => {
  await client.end();
  await direct.end();
});

async function recorded(text: string, count = 1) {
  const page = await eventually(`${count} recorded "${text}"`, async () => {
    const found = await admin.audit.search.query({ q: text });
    return found.items.filter((item) => item.status !== 'running' && item.status !== 'held').length >= count && found;
  });
  return page.items;
}

async function detailOf(text: string) {
  const [row] = await recorded(text);
  if (row === undefined) throw new Error(`nothing recorded for ${text}`);
  return admin.audit.get.query({ id: row.id });
}

describe('every executed statement is recorded', () => {
  test('who, what, where, parameters, verdict, rows, time', async () => {
    await client.query({
      text: `SELECT id, name, '${mark}_params' FROM products WHERE id = ANY($1::int[]) AND name <> $2`,
      values: [[1, 2, 3], 'nothing'],
    });
    expect(await detailOf(`${mark}_params`)).toMatchObject({
      principalName: 'support-bot',
      ownerName: 'ana',
      connectionName: 'shop',
      kind: 'SELECT',
      verdict: 'allow',
      status: 'done',
      rows: 3,
      sqlstate: null,
      protocol: 'extended',
      applicationName: mark,
      parameters: [expect.objectContaining({ value: '{"1","2","3"}' }), expect.objectContaining({ value: 'nothing' })],
      relations: [expect.objectContaining({ name: 'public.products', access: 'read' })],
    });
    const { durationMs, at } = await detailOf(`${mark}_params`);
    expect(durationMs).toBeGreaterThan(0);
    expect(durationMs).toBeLessThan(10_000);
    expect(Math.abs(Date.now() - at.getTime())).toBeLessThan(60_000);
  });

  test('a failure has its SQLSTATE', async () => {
    await failure(client.query(`SELECT 1/0 AS ${mark}_zero`));
    expect(await detailOf(`${mark}_zero`)).toMatchObject({ status: 'failed', sqlstate: '22012', verdict: 'allow' });
  });

  test('a denial has its rule, and every rule that was tried', async () => {
    await failure(client.query(`DROP TABLE IF EXISTS ${mark}_denied`));
    const detail = await detailOf(`${mark}_denied`);
    expect(detail).toMatchObject({ verdict: 'deny', status: 'denied', rule: 'no-destruction', kind: expect.stringContaining('DROP') });
    expect(detail.tried.find((trial) => trial.rule === 'no-destruction')).toMatchObject({ matched: true, action: 'deny' });
    expect(detail.tried.length).toBeGreaterThan(1);
  });

  test('masked columns are named, their values are not', async () => {
    await client.query(`SELECT ssn, '${mark}_masked' FROM customers WHERE id = 1`);
    const detail = await detailOf(`${mark}_masked`);
    expect(detail.maskedColumns).toEqual(['public.customers.ssn']);
    expect(JSON.stringify(detail)).not.toContain((await direct.query('SELECT ssn FROM customers WHERE id = 1')).rows[0].ssn);
  });

  test('each execution of a prepared statement is one record', async () => {
    for (const id of [1, 2, 3])
      await client.query({ name: `${mark}_again`, text: `SELECT '${mark}_again' FROM products WHERE id = $1`, values: [id] });
    const rows = await recorded(`${mark}_again`, 3);
    expect(rows).toHaveLength(3);
    const values = await Promise.all(rows.map(async (row) => (await admin.audit.get.query({ id: row.id })).parameters[0]?.value));
    expect(values.sort()).toEqual(['1', '2', '3']);
  });

  test('each statement of one text is one record', async () => {
    await client.query(`SELECT '${mark}_multi_a'; SELECT '${mark}_multi_b'`);
    const [a] = await recorded(`${mark}_multi_a`);
    const [b] = await recorded(`${mark}_multi_b`);
    expect(a).toMatchObject({ status: 'done', rows: 1 });
    expect(b).toMatchObject({ status: 'done', rows: 1 });
    expect(a?.id).not.toBe(b?.id);
  });

  test('a thousand quick statements are a thousand records', async () => {
    for (let i = 0; i < 1_000; i++) await client.query(`SELECT ${i} AS ${mark}_many`);
    const store = await open(directSettings(gateway, 'gatehouse'));
    const counted = async () =>
      (
        await store.query(
          'SELECT count(DISTINCT statement_id)::int AS n, count(*)::int AS rows FROM reporting.audit_statements WHERE shape = $1',
          [`SELECT ? AS ${mark}_many`],
        )
      ).rows[0];
    await eventually('1,000 records', async () => (await counted()).n === 1_000, 20_000);
    expect((await counted()).rows).toBe(1_000);
    await store.end();
  }, 60_000);

  test('the intent is on disk before there is an outcome', async () => {
    const session = await open(proxySettings(gateway));
    const running = session.query(`SELECT pg_sleep(1.5) AS ${mark}_intent`);
    await eventually(
      'the statement runs upstream',
      async () =>
        (
          await direct.query("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()", [
            `%pg_sleep(1.5) AS ${mark}_intent%`,
          ])
        ).rowCount === 1,
    );
    const written = journalText();
    expect(written).toContain(`${mark}_intent`);
    const [row] = await eventually(
      'the running statement in the store',
      async () => {
        const { items } = await admin.audit.search.query({ q: `${mark}_intent` });
        return items.length > 0 && items;
      },
      1_200,
    );
    expect(row).toMatchObject({ status: 'running', rows: null });
    await running;
    expect((await recorded(`${mark}_intent`))[0]).toMatchObject({ status: 'done', rows: 1 });
    await session.end();
  });

  test('a held statement shows its request and who decided', async () => {
    const answer = client.query(`DELETE FROM orders WHERE id = 2147483000 /* ${mark}_held */`);
    const request = await eventually('the request', async () =>
      (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(`${mark}_held`)),
    );
    await admin.approvals.approve.mutate({ id: request.id });
    expect((await answer).rowCount).toBe(0);
    const detail = await detailOf(`${mark}_held`);
    expect(detail).toMatchObject({
      verdict: 'hold',
      status: 'done',
      rule: 'review-deletes',
      requestId: request.id,
      reviewers: [{ name: 'admin', decision: 'approve' }],
      approval: { id: request.id, decisions: [expect.objectContaining({ reviewerName: 'admin', decision: 'approve' })] },
    });
    expect(detail.waitMs).toBeGreaterThan(0);
  });
});

describe('search', () => {
  test('words of the query bar, each and together', async () => {
    await client.query(`INSERT INTO orders (customer_id, status) VALUES (1, 'placed') /* ${mark}_bar */`);
    await recorded(`${mark}_bar`);
    const finds = async (q: string) => (await admin.audit.search.query({ q: `${q} ${mark}_bar` })).items.length;
    for (const q of [
      'who:support-bot',
      'verdict:allow',
      'connection:shop',
      'kind:INSERT',
      'table:orders',
      'rows:>0',
      'rows:1',
      'duration:<60s',
      'who:support-bot verdict:allow kind:INSERT',
    ]) {
      expect(await finds(q), q).toBe(1);
    }
    for (const q of ['who:ana', 'verdict:denied', 'kind:DELETE', 'table:employees', 'rows:>1', 'duration:>60s', 'sqlstate:42501'])
      expect(await finds(q), q).toBe(0);
  });

  test('an unknown word is said, not dropped', async () => {
    const page = await admin.audit.search.query({ q: 'colour:blue verdict:sideways rows:>many' });
    expect(page.diagnostics.map((diagnostic) => diagnostic.text)).toEqual(['colour:blue', 'verdict:sideways', 'rows:>many']);
  });

  test('paging returns everything once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof admin.audit.search.query>> = await admin.audit.search.query({
        q: `${mark}_again`,
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.items.map((item) => item.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(3);
  });

  test('through the command line', async () => {
    const found = await gatehouse(gateway, ['audit', 'search', 'who:support-bot', `${mark}_params`, '--json']);
    expect(found.code).toBe(0);
    expect(found.stdout).toContain(`${mark}_params`);
    expect(JSON.parse(found.stdout)).toBeTruthy();
    const none = await gatehouse(gateway, ['audit', 'search', 'who:nobody', mark, '--json']);
    expect(none.stdout).not.toContain(`${mark}_params`);
  });

  test('an auditor reads all, a member only their own', async () => {
    const { apiAs, makePrincipal, demoToken } = await import('./api');
    const auditor = apiAs(
      gateway,
      await makePrincipal(admin, { name: 'e2e-auditor', kind: 'human', groups: [], role: 'auditor', email: 'auditor@example.com' }),
    );
    const member = apiAs(
      gateway,
      await makePrincipal(admin, { name: 'e2e-reader', kind: 'human', groups: ['support'], role: 'member', email: 'reader@example.com' }),
    );
    expect((await auditor.audit.search.query({ q: `${mark}_params` })).items).toHaveLength(1);
    expect((await member.audit.search.query({ q: `${mark}_params` })).items).toHaveLength(0);
    expect((await apiAs(gateway, demoToken(gateway)).audit.search.query({ q: `${mark}_params` })).items).toHaveLength(1);
    await expect(auditor.principals.save.mutate({ name: 'e2e-nobody', kind: 'human', groups: [] })).rejects.toThrow();
  });
});

/** Everything the workers have written to their journals so far. */
function journalText(): string {
  const folder = join(gateway.dataDir, 'journal');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('');
}
